package org.sparkao.datasets.task;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;

/** The data sets, and what transformers and lm-evaluation-harness made of them. */
final class Shared {
  private Shared() {}

  /** The folder of data sets; skips the calling test when there is none. */
  static Path data() {
    return folder("data");
  }

  private static Path folder(String name) {
    String shared = System.getProperty("sparkao.shared");
    assumeTrue(shared != null && Files.isDirectory(Path.of(shared, name)), "no shared " + name);
    return Path.of(shared, name);
  }

  /** A tensor of evaluate.safetensors as doubles, row-major. */
  static double[] golden(String tensor) throws IOException {
    Path file = folder("golden").resolve("smollm2-135m-instruct/evaluate.safetensors");
    ByteBuffer all = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    int header = (int) all.getLong(0);
    JsonNode entry = new ObjectMapper().readTree(all.array(), 8, header).get(tensor);
    int begin = 8 + header + entry.get("data_offsets").get(0).intValue();
    int bytes = 8 + header + entry.get("data_offsets").get(1).intValue() - begin;
    String type = entry.get("dtype").textValue();
    int width = type.equals("I8") ? 1 : 8;
    double[] values = new double[bytes / width];
    for (int i = 0; i < values.length; i++) {
      int at = begin + i * width;
      values[i] =
          switch (type) {
            case "F64" -> all.getDouble(at);
            case "I64" -> all.getLong(at);
            case "I8" -> all.get(at);
            default -> throw new AssertionError(type);
          };
    }
    return values;
  }
}
