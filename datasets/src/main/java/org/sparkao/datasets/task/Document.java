package org.sparkao.datasets.task;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;

/**
 * One record of a data file.
 *
 * @param fields its values by name; owned by the document
 * @param file where it was read
 * @param line number of its first line, from 1
 */
record Document(ObjectNode fields, Path file, long line) {

  /** An error that says where the document is. */
  TaskException error(String problem) {
    return TaskErrors.line(file, line, problem);
  }

  /** A field, or one inside it: {@code choices.text}, or an element from 0: {@code choices.2}. */
  JsonNode value(String path) {
    JsonNode node = fields;
    for (String name : path.split("\\.")) {
      node =
          node.isArray() && Character.isDigit(name.charAt(0))
              ? node.path(Integer.parseInt(name))
              : node.path(name);
    }
    if (node.isMissingNode() || node.isNull()) {
      throw error("has no field " + path);
    }
    return node;
  }

  /** A field as it is printed into a prompt: text or a whole number. */
  String text(String path) {
    JsonNode value = value(path);
    if (!value.isTextual() && !value.isIntegralNumber()) {
      throw error("field " + path + " must be text or a whole number and is " + value);
    }
    return value.asText();
  }

  /** The same document with one more field, or another value of it. */
  Document with(String name, JsonNode value) {
    ObjectNode copy = fields.deepCopy();
    copy.set(name, value);
    return new Document(copy, file, line);
  }

  /** The same document with one more field of text. */
  Document with(String name, String value) {
    return with(name, fields.textNode(value));
  }
}
