package org.sparkao.quant.checkpoint;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.core.util.Separators;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/**
 * Writes {@code model.safetensors.index.json} as transformers does: two spaces of indent, keys
 * sorted by code point, everything beyond ASCII escaped, a line feed at the end.
 */
public final class CheckpointIndexWriter {
  /** The file's name. */
  public static final String FILE_NAME = CheckpointNames.index(CheckpointNames.TRANSFORMERS);

  private static final JsonFactory JSON =
      JsonFactory.builder()
          .enable(JsonWriteFeature.ESCAPE_NON_ASCII)
          .disable(JsonWriteFeature.WRITE_HEX_UPPER_CASE)
          .build();

  private CheckpointIndexWriter() {}

  /**
   * Writes the index; the stream stays open.
   *
   * @param totalSize bytes of all tensors, headers not counted
   * @param weightMap tensor name to file name
   */
  public static void write(OutputStream out, long totalSize, Map<String, String> weightMap)
      throws IOException {
    Separators separators =
        Separators.createDefaultInstance()
            .withObjectFieldValueSpacing(Separators.Spacing.AFTER)
            .withObjectEmptySeparator("");
    JsonGenerator json = JSON.createGenerator(out).disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET);
    json.setPrettyPrinter(
        new DefaultPrettyPrinter(separators).withObjectIndenter(new DefaultIndenter("  ", "\n")));
    try (json) {
      json.writeStartObject();
      json.writeObjectFieldStart("metadata");
      json.writeNumberField("total_size", totalSize);
      json.writeEndObject();
      json.writeObjectFieldStart("weight_map");
      for (String name : sorted(weightMap)) {
        json.writeStringField(name, weightMap.get(name));
      }
      json.writeEndObject();
      json.writeEndObject();
      json.writeRaw('\n');
    }
  }

  /** The order of UTF-8 bytes is that of code points, as Python sorts. */
  private static List<String> sorted(Map<String, String> weightMap) {
    return weightMap.keySet().stream()
        .sorted(
            Comparator.comparing(
                name -> name.getBytes(StandardCharsets.UTF_8), Arrays::compareUnsigned))
        .toList();
  }
}
