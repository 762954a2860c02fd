package org.sparkao.quant.gguf;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.gguf.GgufValue.Kind;
import org.sparkao.quant.safetensors.ByteSource;

/** Reads the header of a file, and refuses what cannot be one. For one thread. */
public final class GgufReader {
  private static final int BUFFER_BYTES = 1 << 16;
  private static final int MOST_AXES = 4;
  private static final String AGAIN = "; download or convert it again";

  private final ByteSource source;
  private final long size;
  private final byte[] buffer = new byte[BUFFER_BYTES];
  private long bufferBegin;
  private int bufferLength;
  private long position;

  private GgufReader(ByteSource source) throws IOException {
    this.source = source;
    this.size = source.size();
  }

  /**
   * A header and where the data begins.
   *
   * @param header metadata and tensors
   * @param dataBegin first byte of the data, from which tensors count their offsets
   */
  public record Read(GgufHeader header, long dataBegin) {}

  /**
   * Reads the header.
   *
   * @throws QuantException for a wrong magic, version or count, a text that runs past the end, an
   *     unknown type, and tensors that overlap, repeat or lie outside the file
   */
  public static Read read(ByteSource source) throws IOException {
    return new GgufReader(source).read();
  }

  /**
   * Reads a tensor of F32.
   *
   * @param begin its first byte in the file
   */
  public static float[] floats(ByteSource source, GgufTensor tensor, long begin)
      throws IOException {
    byte[] bytes = new byte[Math.toIntExact(tensor.bytes())];
    source.readFully(begin, bytes, 0, bytes.length);
    float[] values = new float[bytes.length / Float.BYTES];
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
    return values;
  }

  private Read read() throws IOException {
    if (size < 24 || number(4) != GgufHeader.MAGIC) {
      throw refused("does not begin with GGUF; name a GGUF file");
    }
    long version = number(4);
    if (version != GgufHeader.VERSION) {
      throw refused("version " + version + " of GGUF; only version 3, little endian, is read");
    }
    long tensorCount = count("tensors", 24);
    long metadataCount = count("values", 13);
    Map<String, GgufValue> metadata = new LinkedHashMap<>();
    for (long i = 0; i < metadataCount; i++) {
      String key = text("the key of value " + i);
      if (metadata.put(key, value(key)) != null) {
        throw refused(key + ": is there twice" + AGAIN);
      }
    }
    GgufValue alignment = metadata.get("general.alignment");
    if (alignment != null && !alignment.content().equals((long) GgufHeader.ALIGNMENT)) {
      throw refused(
          "general.alignment is " + alignment.content() + "; only 32 is read, convert it again");
    }
    List<GgufTensor> tensors = new ArrayList<>();
    for (long i = 0; i < tensorCount; i++) {
      tensors.add(tensor(i));
    }
    long dataBegin = GgufHeader.aligned(position);
    requireApart(tensors, dataBegin);
    return new Read(new GgufHeader(metadata, tensors), dataBegin);
  }

  private GgufTensor tensor(long index) throws IOException {
    String name = text("the name of tensor " + index);
    long axes = number(4);
    if (axes < 1 || axes > MOST_AXES) {
      throw refused(name + ": has " + axes + " axes, not 1 to 4" + AGAIN);
    }
    Long[] shape = new Long[(int) axes];
    for (int axis = shape.length - 1; axis >= 0; axis--) {
      shape[axis] = number(8);
      if (shape[axis] < 1) {
        throw refused(name + ": an axis of " + Long.toUnsignedString(shape[axis]) + AGAIN);
      }
    }
    long type = number(4);
    Optional<GgufType> known =
        Arrays.stream(GgufType.values()).filter(any -> any.number() == type).findFirst();
    if (known.isEmpty()) {
      throw refused(
          name
              + ": type "
              + type
              + " is not read; use a file of the types "
              + Arrays.toString(GgufType.values()));
    }
    long offset = number(8);
    try {
      GgufTensor tensor = new GgufTensor(name, List.of(shape), known.get(), offset);
      if (offset < 0 || offset % GgufHeader.ALIGNMENT != 0) {
        throw refused(name + ": begins at " + offset + ", no multiple of 32" + AGAIN);
      }
      Math.addExact(offset, tensor.bytes());
      return tensor;
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw new QuantException(
          source.location()
              + ": "
              + name
              + ": shape "
              + List.of(shape)
              + " is none of blocks of "
              + known.get()
              + AGAIN,
          e);
    }
  }

  private void requireApart(List<GgufTensor> tensors, long dataBegin) {
    List<GgufTensor> byOffset = new ArrayList<>(tensors);
    byOffset.sort(Comparator.comparingLong(GgufTensor::offset));
    Map<String, GgufTensor> byName = new LinkedHashMap<>();
    GgufTensor before = null;
    for (GgufTensor tensor : byOffset) {
      if (byName.put(tensor.name(), tensor) != null) {
        throw refused(tensor.name() + ": is there twice" + AGAIN);
      }
      if (before != null && before.offset() + before.bytes() > tensor.offset()) {
        throw refused(tensor.name() + ": overlaps " + before.name() + AGAIN);
      }
      if (tensor.offset() > size - dataBegin - tensor.bytes()) {
        throw refused(
            tensor.name() + ": ends past the end of the file, " + size + " bytes" + AGAIN);
      }
      before = tensor;
    }
  }

  private GgufValue value(String key) throws IOException {
    Kind kind = kind(key);
    if (kind != Kind.ARRAY) {
      return new GgufValue(kind, Kind.ARRAY, single(kind, key));
    }
    Kind element = kind(key);
    if (element == Kind.ARRAY) {
      throw refused(key + ": arrays of arrays are not read; remove it");
    }
    long count = count("elements of " + key, element.leastBytes());
    List<Object> elements = new ArrayList<>();
    for (long i = 0; i < count; i++) {
      elements.add(single(element, key));
    }
    return new GgufValue(kind, element, List.copyOf(elements));
  }

  private Kind kind(String key) throws IOException {
    long number = number(4);
    if (number < 0 || number >= Kind.values().length) {
      throw refused(key + ": there is no value of kind " + number + AGAIN);
    }
    return Kind.values()[(int) number];
  }

  private Object single(Kind kind, String key) throws IOException {
    return switch (kind) {
      case STRING -> text(key);
      case BOOL -> number(1) != 0;
      case FLOAT32 -> (double) Float.intBitsToFloat((int) number(4));
      case FLOAT64 -> Double.longBitsToDouble(number(8));
      case INT8 -> (long) (byte) number(1);
      case INT16 -> (long) (short) number(2);
      case INT32 -> (long) (int) number(4);
      case ARRAY -> throw new IllegalArgumentException(key);
      default -> number(kind.leastBytes());
    };
  }

  /** A number of things of which each needs so many bytes at least. */
  private long count(String what, int leastBytes) throws IOException {
    long count = number(8);
    if (count < 0 || count > (size - position) / leastBytes) {
      throw refused(
          Long.toUnsignedString(count)
              + " "
              + what
              + " do not fit into "
              + size
              + " bytes"
              + AGAIN);
    }
    return count;
  }

  private String text(String what) throws IOException {
    long length = number(8);
    if (length < 0 || length > size - position) {
      throw refused(
          what
              + ": a text of "
              + Long.toUnsignedString(length)
              + " bytes at "
              + position
              + " runs past the end, "
              + size
              + AGAIN);
    }
    byte[] bytes = new byte[Math.toIntExact(length)];
    take(bytes, bytes.length);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  /** An unsigned number of up to seven bytes, or eight with a sign. */
  private long number(int bytes) throws IOException {
    byte[] word = new byte[Long.BYTES];
    take(word, bytes);
    return ByteBuffer.wrap(word).order(ByteOrder.LITTLE_ENDIAN).getLong();
  }

  private void take(byte[] target, int length) throws IOException {
    if (length > size - position) {
      throw refused("ends within its header, at byte " + size + AGAIN);
    }
    for (int done = 0; done < length; ) {
      if (position < bufferBegin || position >= bufferBegin + bufferLength) {
        bufferBegin = position;
        bufferLength = (int) Math.min(buffer.length, size - position);
        source.readFully(position, buffer, 0, bufferLength);
      }
      int at = (int) (position - bufferBegin);
      int part = Math.min(length - done, bufferLength - at);
      System.arraycopy(buffer, at, target, done, part);
      done += part;
      position += part;
    }
  }

  private QuantException refused(String what) {
    return new QuantException(source.location() + ": " + what);
  }
}
