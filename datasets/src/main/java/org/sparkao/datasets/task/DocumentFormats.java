package org.sparkao.datasets.task;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** How data files are cut into documents; to add a format, add a method and its line in the map. */
final class DocumentFormats {
  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
          .build();

  private static final Map<String, DocumentFormat> FORMATS =
      new TreeMap<>(
          Map.of(
              "jsonl", DocumentFormats::jsonLines,
              "text", DocumentFormats::text,
              "hellaswag-text", DocumentFormats::hellaswagText,
              "wikitext-pages", DocumentFormats::wikitextPages,
              "wikitext-joined", DocumentFormats::wikitextJoined));

  /** Cuts the lines of a file. */
  @FunctionalInterface
  interface DocumentFormat {
    List<Document> documents(Path file, List<String> lines);
  }

  private DocumentFormats() {}

  static DocumentFormat named(String name, String origin) {
    DocumentFormat format = name == null ? null : FORMATS.get(name);
    if (format == null) {
      throw TaskErrors.definition(
          origin,
          "format " + name + " is unknown; known are " + String.join(", ", FORMATS.keySet()));
    }
    return format;
  }

  /** One JSON object a line; lines of nothing but whitespace are none. */
  private static List<Document> jsonLines(Path file, List<String> lines) {
    List<Document> documents = new ArrayList<>();
    for (int i = 0; i < lines.size(); i++) {
      if (!lines.get(i).isBlank()) {
        documents.add(new Document(jsonObject(file, i + 1L, lines.get(i)), file, i + 1L));
      }
    }
    return documents;
  }

  private static ObjectNode jsonObject(Path file, long line, String text) {
    try {
      JsonNode node = JSON.readTree(text);
      if (node instanceof ObjectNode object) {
        return object;
      }
      throw TaskErrors.line(file, line, "is JSON but no object");
    } catch (IOException e) {
      throw TaskErrors.line(file, line, "is not a JSON object: " + TaskErrors.firstLine(e));
    }
  }

  /** The whole file is one document with the field {@code text}. */
  private static List<Document> text(Path file, List<String> lines) {
    return List.of(page(file, 1, "text", String.join("\n", lines)));
  }

  /** Six lines an item, prepared as a prompt: query, gold, four choices. */
  private static List<Document> hellaswagText(Path file, List<String> lines) {
    List<Document> documents = new ArrayList<>();
    for (int i = 0; i < lines.size(); i += 6) {
      if (lines.size() - i < 6) {
        throw TaskErrors.line(file, lines.size(), "the file ends inside an item of six lines");
      }
      String gold = lines.get(i + 1);
      if (!gold.matches("[0-3]")) {
        throw TaskErrors.line(file, i + 2L, "must be the right ending, 0 to 3, and is " + gold);
      }
      ObjectNode fields = JSON.createObjectNode().put("query", lines.get(i));
      ArrayNode choices = fields.put("gold", Integer.parseInt(gold)).putArray("choices");
      lines.subList(i + 2, i + 6).forEach(choices::add);
      documents.add(new Document(fields, file, i + 1L));
    }
    return documents;
  }

  /**
   * WikiText cut at headings of the first level, each page with the field {@code page}: the rule of
   * the data set wikitext_document_level that the harness reads.
   */
  private static List<Document> wikitextPages(Path file, List<String> lines) {
    List<Document> documents = new ArrayList<>();
    // The file ends with a line end, after which the rule sees one more, empty line.
    List<String> all = new ArrayList<>(lines);
    all.add("");
    int begin = 0;
    for (int i = 0; i <= all.size(); i++) {
      if (i == all.size() || isTitle(all.get(i))) {
        String page = String.join("\n", all.subList(begin, i));
        if (!PythonText.strip(page).isEmpty()) {
          documents.add(page(file, begin + 1L, "page", page));
        }
        begin = i;
      }
    }
    return documents;
  }

  private static boolean isTitle(String line) {
    String marks = PythonText.strip(line.replace("= = =", "===").replace("= =", "=="));
    return marks.startsWith("= ") && marks.endsWith(" =");
  }

  /**
   * WikiText as GPTQ's authors join it: rows of the data set (a line with its end, or nothing for a
   * blank line) with an empty line between two, in the field {@code text}.
   */
  private static List<Document> wikitextJoined(Path file, List<String> lines) {
    String joined =
        lines.stream()
            .map(line -> PythonText.strip(line).isEmpty() ? "" : line + "\n")
            .collect(Collectors.joining("\n\n"));
    return List.of(page(file, 1, "text", joined));
  }

  private static Document page(Path file, long line, String field, String text) {
    return new Document(JSON.createObjectNode().put(field, text), file, line);
  }
}
