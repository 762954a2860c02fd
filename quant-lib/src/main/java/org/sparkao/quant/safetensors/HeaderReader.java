package org.sparkao.quant.safetensors;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.sparkao.quant.QuantException;

/** Reads one header: length, JSON, then the checks that need all tensors together. */
final class HeaderReader {
  static final int LENGTH_BYTES = 8;

  private static final Comparator<TensorEntry> BY_OFFSET =
      Comparator.comparingLong(TensorEntry::begin).thenComparingLong(TensorEntry::end);

  private final ByteSource source;

  HeaderReader(ByteSource source) {
    this.source = source;
  }

  SafetensorsHeader read() throws IOException {
    long size = source.size();
    MessageDigest digest = Sha256.newDigest();
    long dataBegin = LENGTH_BYTES + jsonBytes(size, digest);
    HeaderJson json = new HeaderJson(source.location(), dataBegin, size);
    HeaderStream stream = new HeaderStream(source, LENGTH_BYTES, dataBegin, digest);
    try {
      json.parse(stream);
    } catch (CharacterCodingException e) {
      throw refused("its header is not UTF-8", e);
    }
    List<TensorEntry> entries = new ArrayList<>(json.entries());
    entries.sort(BY_OFFSET);
    requireCover(entries, dataBegin, size);
    return new SafetensorsHeader(json.metadata(), entries, dataBegin, Sha256.hex(digest));
  }

  private long jsonBytes(long size, MessageDigest digest) throws IOException {
    if (size < LENGTH_BYTES) {
      throw refused("is " + size + " bytes long, too short for a header", null);
    }
    byte[] length = new byte[LENGTH_BYTES];
    source.readFully(0, length, 0, LENGTH_BYTES);
    digest.update(length);
    long bytes = ByteBuffer.wrap(length).order(ByteOrder.LITTLE_ENDIAN).getLong();
    if (bytes < 0 || bytes > SafetensorsHeader.MAX_HEADER_BYTES) {
      throw refused(
          "says that its header is "
              + Long.toUnsignedString(bytes)
              + " bytes long, more than the limit of "
              + SafetensorsHeader.MAX_HEADER_BYTES,
          null);
    }
    if (bytes > size - LENGTH_BYTES) {
      throw refused(
          "says that its header is "
              + bytes
              + " bytes long, but only "
              + (size - LENGTH_BYTES)
              + " bytes follow",
          null);
    }
    return bytes;
  }

  /** Every byte after the header belongs to exactly one tensor. */
  private void requireCover(List<TensorEntry> entries, long dataBegin, long size) {
    long covered = dataBegin;
    for (TensorEntry entry : entries) {
      if (entry.begin() < covered) {
        throw refused(
            entry,
            "begins at byte "
                + entry.begin()
                + " inside the tensor before it, which ends at byte "
                + covered);
      }
      if (entry.begin() > covered) {
        throw refused(
            entry,
            "begins at byte "
                + entry.begin()
                + ", but the tensor before it ends at byte "
                + covered
                + ": no tensor owns the bytes between");
      }
      covered = entry.end();
    }
    if (covered < size) {
      throw refused("has " + (size - covered) + " bytes after its last tensor", null);
    }
  }

  private QuantException refused(TensorEntry entry, String what) {
    return new QuantException(
        entry.name() + " in " + source.location() + ": " + what + "; " + HeaderJson.WAY_OUT);
  }

  private QuantException refused(String what, Exception cause) {
    return new QuantException(source.location() + ": " + what + "; " + HeaderJson.WAY_OUT, cause);
  }
}
