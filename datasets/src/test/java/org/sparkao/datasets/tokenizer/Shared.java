package org.sparkao.datasets.tokenizer;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;

/** Models and golden vectors of the shared folder; skips the calling test where it is absent. */
final class Shared {
  private static final JsonMapper MAPPER = new JsonMapper();

  private Shared() {}

  static Path path(String name) {
    String shared = System.getProperty("sparkao.shared");
    assumeTrue(shared != null && Files.isDirectory(Path.of(shared, "golden")), "no golden vectors");
    return Path.of(shared).resolve(name);
  }

  static Path stories() {
    return path("models/stories260k");
  }

  static Path smolLm2() {
    return path("models/smollm2-135m-instruct");
  }

  static JsonNode json(String name) throws IOException {
    return MAPPER.readTree(Files.readAllBytes(path(name)));
  }

  static JsonNode json(byte[] bytes) throws IOException {
    return MAPPER.readTree(bytes);
  }

  static int[] ids(JsonNode array) {
    int[] ids = new int[array.size()];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = array.get(i).intValue();
    }
    return ids;
  }

  /** A tensor of whole numbers (I32 or I64) of a safetensors file. */
  static int[] tensor(String name, String tensor) throws IOException {
    ByteBuffer file = ByteBuffer.wrap(Files.readAllBytes(path(name)));
    file.order(ByteOrder.LITTLE_ENDIAN);
    byte[] header = new byte[Math.toIntExact(file.getLong())];
    file.get(header);
    JsonNode entry = json(header).get(tensor);
    int begin = 8 + header.length + entry.get("data_offsets").get(0).intValue();
    int bytes = entry.get("dtype").textValue().equals("I64") ? 8 : 4;
    int end = 8 + header.length + entry.get("data_offsets").get(1).intValue();
    int[] values = new int[(end - begin) / bytes];
    for (int i = 0; i < values.length; i++) {
      values[i] = file.getInt(begin + i * bytes);
    }
    return values;
  }
}
