package org.sparkao.quant.safetensors;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.sparkao.quant.QuantException;

/**
 * The header of a file that is to be written, byte for byte as the reference library writes it:
 * tensors by descending type, then by name; compact JSON; padded with spaces to 8 bytes. The place
 * of every tensor is known before any of them is.
 *
 * <p>Source: safetensors 0.8 (Rust), {@code serialize} and {@code Metadata}.
 */
public final class ShardHeader {
  /** What transformers expects in {@code __metadata__}. */
  public static final Map<String, String> PYTORCH = Map.of("format", "pt");

  private static final JsonFactory JSON =
      JsonFactory.builder()
          .disable(JsonWriteFeature.WRITE_HEX_UPPER_CASE)
          .enable(JsonWriteFeature.COMBINE_UNICODE_SURROGATES_IN_UTF8)
          .build();

  /** Order of the file: larger types first so that all are aligned, then UTF-8 bytes of names. */
  private static final Comparator<TensorSpec> CANONICAL =
      Comparator.comparing(TensorSpec::dtype)
          .reversed()
          .thenComparing(
              spec -> spec.name().getBytes(StandardCharsets.UTF_8), Arrays::compareUnsigned);

  private final byte[] bytes;
  private final List<TensorEntry> entries;

  private ShardHeader(byte[] bytes, List<TensorEntry> entries) {
    this.bytes = bytes;
    this.entries = List.copyOf(entries);
  }

  /**
   * Lays out the tensors, in whatever order they are given.
   *
   * @param metadata written sorted by key; left out when empty
   */
  public static ShardHeader of(List<TensorSpec> tensors, Map<String, String> metadata) {
    List<TensorSpec> sorted = new ArrayList<>(tensors);
    sorted.sort(CANONICAL);
    Set<String> names = new HashSet<>();
    for (TensorSpec spec : sorted) {
      if (!names.add(spec.name())) {
        throw new QuantException(
            spec.name() + ": two tensors of one file have this name; rename one of them");
      }
    }
    byte[] json = json(sorted, new TreeMap<>(metadata));
    int padded = (json.length + 7) / 8 * 8;
    if (padded > SafetensorsHeader.MAX_HEADER_BYTES) {
      throw new QuantException(
          "a header of "
              + padded
              + " bytes for "
              + tensors.size()
              + " tensors is more than readers accept; write smaller shards");
    }
    byte[] bytes = new byte[HeaderReader.LENGTH_BYTES + padded];
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(padded).put(json);
    Arrays.fill(bytes, HeaderReader.LENGTH_BYTES + json.length, bytes.length, (byte) ' ');
    List<TensorEntry> entries = new ArrayList<>(sorted.size());
    long position = bytes.length;
    for (TensorSpec spec : sorted) {
      long end = Math.addExact(position, spec.bytes());
      entries.add(new TensorEntry(spec.name(), spec.dtype(), spec.shape(), position, end));
      position = end;
    }
    return new ShardHeader(bytes, entries);
  }

  /** Tensors in the order of the file, with the places of their bytes. */
  public List<TensorEntry> entries() {
    return entries;
  }

  /** The first bytes of the file: length and padded JSON. A copy. */
  public byte[] bytes() {
    return bytes.clone();
  }

  /** Length of the whole file. */
  public long fileBytes() {
    return entries.isEmpty() ? bytes.length : entries.get(entries.size() - 1).end();
  }

  private static byte[] json(List<TensorSpec> sorted, Map<String, String> metadata) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (JsonGenerator json = JSON.createGenerator(out)) {
      json.writeStartObject();
      if (!metadata.isEmpty()) {
        json.writeObjectFieldStart("__metadata__");
        for (Map.Entry<String, String> entry : metadata.entrySet()) {
          json.writeStringField(entry.getKey(), entry.getValue());
        }
        json.writeEndObject();
      }
      long position = 0;
      for (TensorSpec spec : sorted) {
        json.writeObjectFieldStart(spec.name());
        json.writeStringField("dtype", spec.dtype().name());
        json.writeArrayFieldStart("shape");
        for (long size : spec.shape()) {
          json.writeNumber(size);
        }
        json.writeEndArray();
        json.writeArrayFieldStart("data_offsets");
        json.writeNumber(position);
        position = Math.addExact(position, spec.bytes());
        json.writeNumber(position);
        json.writeEndArray();
        json.writeEndObject();
      }
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException("a header in memory", e);
    }
    return out.toByteArray();
  }
}
