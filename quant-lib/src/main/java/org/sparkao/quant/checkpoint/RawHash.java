package org.sparkao.quant.checkpoint;

import java.security.MessageDigest;
import java.util.Optional;

/** Hashes what is read, when someone asked for it. */
final class RawHash {
  private final Optional<MessageDigest> digest;

  RawHash(Optional<MessageDigest> digest) {
    this.digest = digest;
  }

  boolean isWanted() {
    return digest.isPresent();
  }

  void update(byte[] bytes, int offset, int length) {
    digest.ifPresent(wanted -> wanted.update(bytes, offset, length));
  }
}
