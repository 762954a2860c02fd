package org.sparkao.jobs.sweep.plan;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.apache.commons.text.StringSubstitutor;
import org.sparkao.quant.QuantException;

/** Values of a sweep's file, with the variables in them replaced. */
final class FileNodes {
  private final String file;
  private final StringSubstitutor variables;

  FileNodes(String file, StringSubstitutor variables) {
    this.file = file;
    this.variables = variables;
  }

  QuantException refused(String key, String value, String message) {
    return new QuantException(file + ": " + key + ": " + value + ": " + message);
  }

  /** Refuses what is no map, and keys that mean nothing. */
  void requireMap(JsonNode node, String key, Set<String> known) {
    if (!node.isObject()) {
      throw new QuantException(file + ": " + key + ": use a map of " + keys(known));
    }
    node.fieldNames()
        .forEachRemaining(
            name -> {
              if (!known.contains(name)) {
                throw refused(key, name, "unknown key; there are " + keys(known));
              }
            });
  }

  private static String keys(Set<String> known) {
    return String.join(", ", new TreeSet<>(known));
  }

  /** A text that has to be there. */
  String text(JsonNode parent, String key) {
    JsonNode node = parent.path(key);
    if (node.isMissingNode()) {
      throw new QuantException(file + ": " + key + " is missing");
    }
    return text(node, key, 0);
  }

  /** One text or several. */
  List<String> texts(JsonNode node, String key) {
    if (!node.isArray()) {
      return List.of(text(node, key, 0));
    }
    List<String> texts = new ArrayList<>();
    node.forEach(item -> texts.add(text(item, key, texts.size())));
    return texts;
  }

  /** A list that may be missing. */
  List<JsonNode> list(JsonNode parent, String key) {
    JsonNode node = parent.path(key);
    if (!node.isMissingNode() && !node.isArray()) {
      throw new QuantException(file + ": " + key + ": use a list");
    }
    List<JsonNode> items = new ArrayList<>();
    node.forEach(items::add);
    return items;
  }

  private String text(JsonNode node, String key, int place) {
    if (!node.isValueNode() || node.isNull()) {
      throw new QuantException(
          file + ": " + key + ", value " + (place + 1) + ": use a text or a number");
    }
    try {
      return variables.replace(node.asText());
    } catch (IllegalArgumentException e) {
      throw refused(key, node.asText(), "a variable of it is not in the environment");
    }
  }
}
