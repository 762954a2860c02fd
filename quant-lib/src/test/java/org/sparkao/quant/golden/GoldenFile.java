package org.sparkao.quant.golden;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sparkao.quant.safetensors.DType;

/** A safetensors file of golden vectors, read whole, independently of the library's reader. */
public final class GoldenFile {

  /** One tensor: row-major little-endian bytes. */
  public record Tensor(DType dtype, List<Long> shape, byte[] bytes) {}

  private GoldenFile() {}

  /** The folder of golden vectors; skips the calling test when there is none. */
  public static Path folder() {
    String shared = System.getProperty("sparkao.shared");
    assumeTrue(shared != null && Files.isDirectory(Path.of(shared, "golden")), "no golden vectors");
    return Path.of(shared, "golden");
  }

  /** All tensors of a file by name. */
  public static Map<String, Tensor> read(Path file) {
    try {
      byte[] all = Files.readAllBytes(file);
      int header = (int) ByteBuffer.wrap(all).order(ByteOrder.LITTLE_ENDIAN).getLong();
      JsonNode json = new ObjectMapper().readTree(all, 8, header);
      Map<String, Tensor> tensors = new LinkedHashMap<>();
      json.properties()
          .forEach(
              entry -> {
                if (!entry.getKey().equals("__metadata__")) {
                  tensors.put(entry.getKey(), tensor(entry.getValue(), all, 8 + header));
                }
              });
      return tensors;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Tensor tensor(JsonNode json, byte[] all, int data) {
    List<Long> shape = new ArrayList<>();
    json.get("shape").forEach(size -> shape.add(size.longValue()));
    int begin = data + json.get("data_offsets").get(0).intValue();
    int end = data + json.get("data_offsets").get(1).intValue();
    DType dtype = DType.forName(json.get("dtype").textValue()).orElseThrow();
    return new Tensor(dtype, List.copyOf(shape), Arrays.copyOfRange(all, begin, end));
  }
}
