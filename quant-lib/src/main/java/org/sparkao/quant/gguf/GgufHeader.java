package org.sparkao.quant.gguf;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Everything before the data of a file, version 3, little endian.
 *
 * <p>Source: the GGUF specification of ggml, docs/gguf.md.
 *
 * @param metadata by key, in the order of the file
 * @param tensors in the order of the file
 */
public record GgufHeader(Map<String, GgufValue> metadata, List<GgufTensor> tensors) {
  /** What offsets are multiples of. */
  public static final int ALIGNMENT = 32;

  /** The letters GGUF, read as a little-endian word. */
  static final int MAGIC = 0x46554747;

  /** The only version that is written and read. */
  static final int VERSION = 3;

  /** Keeps the order of the metadata. */
  public GgufHeader {
    metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
    tensors = List.copyOf(tensors);
  }

  /** The next multiple of {@link #ALIGNMENT}. */
  public static long aligned(long position) {
    return Math.addExact(position, ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  }

  /** The bytes up to the begin of the data. */
  public byte[] bytes() {
    Output out = new Output();
    out.number(MAGIC, 4);
    out.number(VERSION, 4);
    out.number(tensors.size(), 8);
    out.number(metadata.size(), 8);
    metadata.forEach(
        (key, value) -> {
          out.text(key);
          out.number(value.kind().ordinal(), 4);
          out.value(value);
        });
    for (GgufTensor tensor : tensors) {
      out.text(tensor.name());
      out.number(tensor.shape().size(), 4);
      for (int axis = tensor.shape().size() - 1; axis >= 0; axis--) {
        out.number(tensor.shape().get(axis), 8);
      }
      out.number(tensor.type().number(), 4);
      out.number(tensor.offset(), 8);
    }
    byte[] bytes = out.stream.toByteArray();
    return Arrays.copyOf(bytes, Math.toIntExact(aligned(bytes.length)));
  }

  private static final class Output {
    private final ByteArrayOutputStream stream = new ByteArrayOutputStream();
    private final byte[] word = new byte[Long.BYTES];

    private void number(long value, int bytes) {
      ByteBuffer.wrap(word).order(ByteOrder.LITTLE_ENDIAN).putLong(value);
      stream.write(word, 0, bytes);
    }

    private void text(String text) {
      byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
      number(bytes.length, 8);
      stream.writeBytes(bytes);
    }

    private void value(GgufValue value) {
      if (value.kind() == GgufValue.Kind.ARRAY) {
        List<?> elements = (List<?>) value.content();
        number(value.element().ordinal(), 4);
        number(elements.size(), 8);
        elements.forEach(element -> single(value.element(), element));
      } else {
        single(value.kind(), value.content());
      }
    }

    private void single(GgufValue.Kind kind, Object content) {
      switch (kind) {
        case STRING -> text((String) content);
        case BOOL -> number(content.equals(Boolean.TRUE) ? 1 : 0, 1);
        case FLOAT32 -> number(Float.floatToRawIntBits(((Double) content).floatValue()), 4);
        case FLOAT64 -> number(Double.doubleToRawLongBits((Double) content), 8);
        case ARRAY -> throw new IllegalArgumentException("arrays of arrays are not written");
        default -> number((Long) content, kind.leastBytes());
      }
    }
  }
}
