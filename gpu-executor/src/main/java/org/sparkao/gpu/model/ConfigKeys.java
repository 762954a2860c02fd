package org.sparkao.gpu.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import org.sparkao.quant.QuantException;

/** The keys of an object of {@code config.json}. A key that is null counts as absent. */
final class ConfigKeys {
  private final String file;
  private final String path;
  private final JsonNode node;

  private ConfigKeys(String file, String path, JsonNode node) {
    this.file = file;
    this.path = path;
    this.node = node;
  }

  static ConfigKeys of(String file, JsonNode config) {
    return new ConfigKeys(file, "", config);
  }

  boolean has(String key) {
    return node.hasNonNull(key);
  }

  /** Whether the key is there, and null. */
  boolean isNull(String key) {
    return node.path(key).isNull();
  }

  JsonNode value(String key) {
    return has(key) ? node.get(key) : MissingNode.getInstance();
  }

  /** An object within this one; without keys when it is absent. */
  ConfigKeys section(String key) {
    JsonNode value = value(key);
    if (!value.isMissingNode() && !value.isObject()) {
      throw refused(key, "it is an object");
    }
    return new ConfigKeys(file, path + key + ".", value);
  }

  /** A number of things, at least 1. */
  int size(String key) {
    JsonNode value = value(key);
    if (!value.canConvertToInt() || !value.isIntegralNumber() || value.intValue() < 1) {
      throw refused(key, "it is a whole number of at least 1");
    }
    return value.intValue();
  }

  int size(String key, int absent) {
    return has(key) ? size(key) : absent;
  }

  /** The number of another key where the first one is absent. */
  int size(String key, String otherKey) {
    return size(has(key) ? key : otherKey);
  }

  double positive(String key) {
    JsonNode value = value(key);
    if (!value.isNumber() || !(value.doubleValue() > 0) || Double.isInfinite(value.doubleValue())) {
      throw refused(key, "it is a number above 0");
    }
    return value.doubleValue();
  }

  double positive(String key, double absent) {
    return has(key) ? positive(key) : absent;
  }

  boolean flag(String key, boolean absent) {
    JsonNode value = value(key);
    if (!value.isMissingNode() && !value.isBoolean()) {
      throw refused(key, "it is true or false");
    }
    return value.asBoolean(absent);
  }

  String text(String key, String absent) {
    JsonNode value = value(key);
    if (!value.isMissingNode() && !value.isTextual()) {
      throw refused(key, "it is text");
    }
    return value.asText(absent);
  }

  /** A message about the value of a key. */
  QuantException refused(String key, String wayOut) {
    return ModelErrors.config(file, path + key, has(key) ? node.get(key).toString() : "", wayOut);
  }
}
