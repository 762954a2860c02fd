package org.sparkao.gpu.model;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.LongStream;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.safetensors.FileSource;
import org.sparkao.quant.safetensors.SafetensorsHeader;
import org.sparkao.quant.safetensors.TensorEntry;

/** Tensors of a file of expected values. */
public final class GoldenFile {
  private final Map<String, TensorEntry> entries = new LinkedHashMap<>();
  private final Map<String, byte[]> bytes = new LinkedHashMap<>();

  private GoldenFile(Path file) {
    try (FileSource source = FileSource.open(file)) {
      for (TensorEntry entry : SafetensorsHeader.read(source).entries()) {
        byte[] all = new byte[(int) entry.bytes()];
        source.readFully(entry.begin(), all, 0, all.length);
        entries.put(entry.name(), entry);
        bytes.put(entry.name(), all);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public static GoldenFile read(Path file) {
    return new GoldenFile(file);
  }

  /** A folder of the folder that the property {@code sparkao.shared} names; empty without it. */
  public static Optional<Path> shared(String folder) {
    String shared = System.getProperty("sparkao.shared");
    return Optional.ofNullable(shared).map(s -> Path.of(s, folder)).filter(Files::isDirectory);
  }

  public float[] floats(String name) {
    float[] values = new float[(int) entry(name).elements()];
    if (entry(name).dtype() != DType.F32) {
      throw new IllegalArgumentException(name + " is " + entry(name).dtype());
    }
    buffer(name).asFloatBuffer().get(values);
    return values;
  }

  /** Of I64 or I32. */
  public int[] ints(String name) {
    int count = (int) entry(name).elements();
    ByteBuffer all = buffer(name);
    boolean wide = entry(name).dtype() == DType.I64;
    return LongStream.range(0, count)
        .mapToInt(i -> wide ? (int) all.getLong((int) (8 * i)) : all.getInt((int) (4 * i)))
        .toArray();
  }

  /** The bytes of a tensor of any type. */
  public byte[] bytes(String name) {
    return bytes.get(entry(name).name()).clone();
  }

  public boolean has(String name) {
    return entries.containsKey(name);
  }

  private TensorEntry entry(String name) {
    return Optional.ofNullable(entries.get(name))
        .orElseThrow(() -> new IllegalArgumentException(name + " of " + entries.keySet()));
  }

  private ByteBuffer buffer(String name) {
    return ByteBuffer.wrap(bytes.get(name)).order(ByteOrder.LITTLE_ENDIAN);
  }
}
