package org.sparkao.quant.safetensors;

import java.io.IOException;
import java.util.List;
import java.util.Map;

/**
 * What a safetensors file says about itself, checked: the tensors cover the bytes after the header
 * exactly, without overlap or hole, and types and shapes multiply to the byte ranges.
 *
 * <p>Source: the safetensors format description; limits as in its reference library.
 *
 * @param metadata the strings under {@code __metadata__}
 * @param entries the tensors in the order of their bytes
 * @param dataBegin length of the header, its 8 length bytes included
 * @param sha256 of the bytes before {@code dataBegin}, lower-case hex
 */
public record SafetensorsHeader(
    Map<String, String> metadata, List<TensorEntry> entries, long dataBegin, String sha256) {

  /** Longest header that is read, in bytes: the limit of the reference library. */
  public static final long MAX_HEADER_BYTES = 100_000_000;

  /** Freezes the collections. */
  public SafetensorsHeader {
    metadata = Map.copyOf(metadata);
    entries = List.copyOf(entries);
  }

  /**
   * Reads and checks the header; no other byte of the file is read.
   *
   * @throws org.sparkao.quant.QuantException when the file is no safetensors file that holds all
   *     its bytes; names file, tensor, value and a way out
   */
  public static SafetensorsHeader read(ByteSource source) throws IOException {
    return new HeaderReader(source).read();
  }
}
