package org.sparkao.jobs.evaluate.plan;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** SHA-256 of several parts, one after the other. */
public final class Sha256 {
  private final MessageDigest digest;

  /** Of nothing yet. */
  public Sha256() {
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  /** Adds bytes as they are. */
  public void add(byte[] bytes) {
    digest.update(bytes);
  }

  /** Adds the first bytes of a buffer. */
  public void add(byte[] bytes, int count) {
    digest.update(bytes, 0, count);
  }

  /** Adds a text in UTF-8 and a line feed, so that neighbours cannot run into each other. */
  public Sha256 line(String text) {
    digest.update((text + "\n").getBytes(StandardCharsets.UTF_8));
    return this;
  }

  /** Of all so far, lower-case hex; begins anew. */
  public String hex() {
    return HexFormat.of().formatHex(digest.digest());
  }
}
