package org.sparkao.jobs.generate.plan;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.sparkao.datasets.task.ParquetRows;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.quant.QuantException;

/**
 * Texts that prompts are taken from, in the order of the file; lines of white space are none.
 *
 * @param uri of the file
 * @param column of JSONL and Parquet
 */
public record PromptFile(String uri, String column) {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int FIRST_CHARACTERS = 80;

  /** Reads them. */
  List<PromptText> read(Storage storage, ParquetRows parquet) throws IOException {
    List<PromptText> texts =
        uri.endsWith(".parquet") ? ofRows(parquet.json(local())) : ofLines(bytes(storage));
    if (texts.isEmpty()) {
      throw new QuantException("--prompts " + uri + ": holds no text; name a file with texts");
    }
    return texts;
  }

  private Path local() {
    return Storage.localPath(uri)
        .orElseThrow(
            () -> new QuantException("--prompts " + uri + ": name a local file of Parquet"));
  }

  private byte[] bytes(Storage storage) throws IOException {
    int slash = uri.lastIndexOf('/');
    Folder folder = storage.folder(slash < 0 ? "." : slash == 0 ? "/" : uri.substring(0, slash));
    String name = uri.substring(slash + 1);
    if (folder.size(name).isEmpty()) {
      throw new QuantException("--prompts " + uri + ": there is no such file");
    }
    return folder.read(name);
  }

  private List<PromptText> ofRows(List<String> rows) {
    List<PromptText> texts = new ArrayList<>();
    for (int row = 0; row < rows.size(); row++) {
      add(ofJson(rows.get(row), "row " + row), row, texts);
    }
    return texts;
  }

  private List<PromptText> ofLines(byte[] bytes) {
    List<PromptText> texts = new ArrayList<>();
    boolean json = uri.endsWith(".jsonl") || uri.endsWith(".json");
    int begin = 0;
    for (int line = 1; begin < bytes.length; line++) {
      int end = begin;
      while (end < bytes.length && bytes[end] != '\n') {
        end++;
      }
      String text = new String(bytes, begin, end - begin, StandardCharsets.UTF_8);
      if (!json) {
        int blank = text.length() - text.stripLeading().length();
        int blankBytes = text.substring(0, blank).getBytes(StandardCharsets.UTF_8).length;
        add(text, begin + blankBytes, texts);
      } else if (!text.isBlank()) {
        add(ofJson(text, "line " + line), begin, texts);
      }
      begin = end + 1;
    }
    return texts;
  }

  private static void add(String text, long offset, List<PromptText> texts) {
    String stripped = text.strip();
    if (!stripped.isEmpty()) {
      texts.add(new PromptText(stripped, offset));
    }
  }

  private String ofJson(String line, String where) {
    JsonNode text;
    try {
      text = JSON.readTree(line).path(column);
    } catch (JsonProcessingException e) {
      throw new QuantException(
          "--prompts " + uri + ": " + where + " is no JSON: " + e.getOriginalMessage(), e);
    }
    if (!text.isTextual()) {
      throw new QuantException(
          "--prompts "
              + uri
              + ": "
              + where
              + " has no text in "
              + column
              + " ("
              + line.substring(0, Math.min(FIRST_CHARACTERS, line.length()))
              + "); name the column with --prompt-column");
    }
    return text.asText();
  }
}
