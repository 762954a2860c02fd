package org.sparkao.jobs.generate.plan;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.text.TextFile;
import org.sparkao.quant.QuantException;

/**
 * Texts that prompts are taken from, in the order of the file: a line of plain text each, or what
 * is in a column.
 *
 * @param uri of the file
 * @param column of rows
 */
public record PromptFile(String uri, String column) {
  private static final String OPTION = "--prompts";
  private static final int FIRST_CHARACTERS = 80;

  /** Reads them. */
  List<PromptText> read(Storage storage, TextFile.Parquet parquet) throws IOException {
    TextFile file = TextFile.of(storage, uri, OPTION);
    List<PromptText> texts = new ArrayList<>();
    file.rows(
        parquet,
        row -> {
          String text = file.hasRows() ? column(row) : row.json().textValue();
          if (!text.isBlank()) {
            long blank = file.hasRows() ? 0 : leadingBytes(text);
            texts.add(new PromptText(text.strip(), row.offset() + blank));
          }
          return true;
        });
    if (texts.isEmpty()) {
      throw new QuantException(OPTION + " " + uri + ": holds no text; name a file with texts");
    }
    return texts;
  }

  /** Bytes of white space that a text begins with. */
  private static int leadingBytes(String text) {
    int blank = text.length() - text.stripLeading().length();
    return text.substring(0, blank).getBytes(StandardCharsets.UTF_8).length;
  }

  private String column(TextFile.Row row) {
    if (!row.json().path(column).isTextual()) {
      String line = row.json().toString();
      throw new QuantException(
          OPTION
              + " "
              + row.where()
              + " has no text in "
              + column
              + " ("
              + line.substring(0, Math.min(FIRST_CHARACTERS, line.length()))
              + "); name the column with --prompt-column");
    }
    return row.json().path(column).textValue();
  }
}
