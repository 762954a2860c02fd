package org.sparkao.quant.gguf;

import java.util.List;
import java.util.Objects;

/**
 * A typed value of the metadata.
 *
 * @param kind how it is stored
 * @param element how the elements of an array are stored; {@code ARRAY}, and without meaning, for
 *     everything else
 * @param content a {@link Long}, {@link Double}, {@link Boolean} or {@link String}, or a list of
 *     them for an array
 */
public record GgufValue(Kind kind, Kind element, Object content) {

  /** Kinds in the order of their numbers in the file. */
  public enum Kind {
    UINT8(1),
    INT8(1),
    UINT16(2),
    INT16(2),
    UINT32(4),
    INT32(4),
    FLOAT32(4),
    BOOL(1),
    STRING(8),
    ARRAY(12),
    UINT64(8),
    INT64(8),
    FLOAT64(8);

    private final int leastBytes;

    Kind(int leastBytes) {
      this.leastBytes = leastBytes;
    }

    /** Bytes of a value, the least for those whose length varies. */
    int leastBytes() {
      return leastBytes;
    }
  }

  /** All parts are given. */
  public GgufValue {
    Objects.requireNonNull(kind, "kind");
    Objects.requireNonNull(element, "element");
    Objects.requireNonNull(content, "content");
  }

  private static GgufValue single(Kind kind, Object content) {
    return new GgufValue(kind, Kind.ARRAY, content);
  }

  /** A whole number from 0 to 2^32 - 1. */
  public static GgufValue uint32(long value) {
    return single(Kind.UINT32, value);
  }

  /** A whole number from 0 to 65535. */
  public static GgufValue uint16(long value) {
    return single(Kind.UINT16, value);
  }

  /** A whole number of 32 bits with a sign. */
  public static GgufValue int32(long value) {
    return single(Kind.INT32, value);
  }

  /** A number, rounded to fp32. */
  public static GgufValue float32(double value) {
    return single(Kind.FLOAT32, (double) (float) value);
  }

  /** A switch. */
  public static GgufValue bool(Boolean value) {
    return single(Kind.BOOL, value);
  }

  /** A text. */
  public static GgufValue text(String value) {
    return single(Kind.STRING, value);
  }

  /** Several texts. */
  public static GgufValue texts(List<String> values) {
    return new GgufValue(Kind.ARRAY, Kind.STRING, List.copyOf(values));
  }

  /** Several whole numbers of 32 bits. */
  public static GgufValue int32s(List<Long> values) {
    return new GgufValue(Kind.ARRAY, Kind.INT32, List.copyOf(values));
  }

  /** Several numbers of fp32. */
  public static GgufValue float32s(List<Double> values) {
    return new GgufValue(Kind.ARRAY, Kind.FLOAT32, List.copyOf(values));
  }
}
