package org.sparkao.jobs.config;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sparkao.quant.QuantException;

/** Reads {@code --config FILE}: a flat YAML map of keys to values, lists for list keys. */
public final class ConfigFile {
  private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());

  private ConfigFile() {}

  /**
   * The keys of a file.
   *
   * @throws QuantException when it cannot be read or is not a flat map
   */
  public static ConfigLayer read(Path file) {
    JsonNode root;
    try {
      root = YAML.readTree(Files.readAllBytes(file));
    } catch (NoSuchFileException e) {
      throw new QuantException("--config " + file + ": there is no such file", e);
    } catch (JsonProcessingException e) {
      throw new QuantException("--config " + file + ": not YAML: " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw new QuantException("--config " + file + ": cannot be read: " + e.getMessage(), e);
    }
    Map<String, List<String>> values = new LinkedHashMap<>();
    if (root == null || root.isMissingNode() || root.isNull()) {
      return new ConfigLayer(file.toString(), values);
    }
    if (!root.isObject()) {
      throw new QuantException("--config " + file + ": not a map of keys to values");
    }
    root.properties().forEach(e -> values.put(e.getKey(), texts(file, e.getKey(), e.getValue())));
    return new ConfigLayer(file.toString(), values);
  }

  private static List<String> texts(Path file, String key, JsonNode node) {
    List<String> texts = new ArrayList<>();
    if (node.isArray()) {
      node.forEach(item -> texts.add(text(file, key, item)));
    } else {
      texts.add(text(file, key, node));
    }
    return texts;
  }

  private static String text(Path file, String key, JsonNode node) {
    if (node.isContainerNode() || node.isNull()) {
      throw new QuantException(
          "--config " + file + ": " + key + " must be a value or a list of values");
    }
    return node.asText();
  }
}
