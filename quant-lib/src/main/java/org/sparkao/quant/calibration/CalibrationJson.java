package org.sparkao.quant.calibration;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.calibration.CalibrationInfo.Block;
import org.sparkao.quant.calibration.CalibrationInfo.Input;
import org.sparkao.quant.calibration.CalibrationInfo.Origin;
import org.sparkao.quant.observe.InputObserver;

/** {@code calibration.json} and back. */
final class CalibrationJson {
  private static final String FORMAT = "sparkao-calibration";
  private static final int VERSION = 1;
  private static final JsonMapper MAPPER = new JsonMapper();

  private CalibrationJson() {}

  static byte[] write(CalibrationInfo info) {
    ObjectNode json = MAPPER.createObjectNode();
    json.put("format", FORMAT);
    json.put("format_version", VERSION);
    json.set("checkpoint", origin(info.checkpoint()));
    json.set("data", origin(info.data()));
    json.put("samples", info.samples());
    json.put("sequence_length", info.sequenceLength());
    json.put("tokens", info.tokens());
    json.put("groups", info.groups());
    json.put("bins_per_octave", InputObserver.BINS_PER_OCTAVE);
    json.put("numerics", info.numerics());
    ObjectNode options = json.putObject("options");
    new TreeMap<>(info.options()).forEach(options::put);
    ArrayNode blocks = json.putArray("blocks");
    for (Block block : info.blocks()) {
      ObjectNode one = blocks.addObject();
      one.put("name", block.name());
      one.put("file", block.file());
      one.put("sha256", block.sha256());
      ObjectNode inputs = one.putObject("inputs");
      for (Input input : block.inputs()) {
        ObjectNode about = inputs.putObject(input.name());
        about.put("columns", input.columns());
        ArrayNode modules = about.putArray("modules");
        input.modules().forEach(modules::add);
      }
    }
    return (json.toPrettyString() + "\n").getBytes(StandardCharsets.UTF_8);
  }

  private static ObjectNode origin(Origin origin) {
    ObjectNode json = MAPPER.createObjectNode();
    json.put("location", origin.location());
    json.put("sha256", origin.sha256());
    return json;
  }

  /**
   * Reads it.
   *
   * @param location for messages
   */
  static CalibrationInfo read(byte[] text, String location) {
    JsonNode json;
    try {
      json = MAPPER.readTree(text);
    } catch (JsonProcessingException e) {
      throw refused(location, "is not valid JSON: " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    if (!json.path("format").asText().equals(FORMAT)) {
      throw refused(location, "does not say \"format\": \"" + FORMAT + "\"", null);
    }
    if (json.path("format_version").asInt() != VERSION
        || json.path("bins_per_octave").asInt() != InputObserver.BINS_PER_OCTAVE) {
      throw refused(
          location,
          "has format version "
              + json.path("format_version")
              + " with "
              + json.path("bins_per_octave")
              + " bins an octave; this program reads version "
              + VERSION
              + " with "
              + InputObserver.BINS_PER_OCTAVE,
          null);
    }
    Map<String, String> options = new LinkedHashMap<>();
    json.path("options")
        .properties()
        .forEach(field -> options.put(field.getKey(), field.getValue().asText()));
    List<Block> blocks = new ArrayList<>();
    json.path("blocks").forEach(block -> blocks.add(block(block, location)));
    return new CalibrationInfo(
        origin(required(json, "checkpoint", location), location),
        origin(required(json, "data", location), location),
        required(json, "samples", location).asLong(),
        required(json, "sequence_length", location).asLong(),
        required(json, "groups", location).asInt(),
        required(json, "numerics", location).asText(),
        options,
        blocks);
  }

  private static Origin origin(JsonNode json, String location) {
    return new Origin(
        required(json, "location", location).asText(), required(json, "sha256", location).asText());
  }

  private static Block block(JsonNode json, String location) {
    List<Input> inputs = new ArrayList<>();
    required(json, "inputs", location)
        .properties()
        .forEach(
            field -> {
              List<String> modules = new ArrayList<>();
              required(field.getValue(), "modules", location)
                  .forEach(module -> modules.add(module.asText()));
              int columns = required(field.getValue(), "columns", location).asInt();
              inputs.add(new Input(field.getKey(), columns, modules));
            });
    return new Block(
        required(json, "name", location).asText(),
        required(json, "file", location).asText(),
        required(json, "sha256", location).asText(),
        inputs);
  }

  private static JsonNode required(JsonNode json, String name, String location) {
    JsonNode value = json.get(name);
    if (value == null) {
      throw refused(location, "has no \"" + name + "\" where one is expected", null);
    }
    return value;
  }

  private static QuantException refused(String location, String what, Exception cause) {
    return new QuantException(location + ": " + what + "; run calibrate again", cause);
  }
}
