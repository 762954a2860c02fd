package org.sparkao.jobs.calibrate.plan;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.StreamSupport;
import org.sparkao.datasets.tokenizer.Tokenizer;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.safetensors.ByteSource;

/**
 * Calibration text as sequences of tokens. A file is plain text (one text), JSON lines or Parquet,
 * by its name; of a folder the files are read in the order of their names, but those that begin
 * with a dot or an underscore. A line or row is a text in the column {@code --text-column}, or
 * tokens in the column {@code token_ids}, which {@code generate} writes. Every text is encoded with
 * the special tokens that the tokenizer puts around a text. No more is read than is needed.
 */
public final class CalibrationText {
  private static final String TOKENS = "token_ids";

  /** Of a text, for each token that is wanted; no text has longer tokens on average. */
  private static final long BYTES_A_TOKEN = 32;

  private static final long LEAST_BYTES = 1 << 20;
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Tokenizer tokenizer;
  private final int vocabulary;
  private final String column;
  private final Rows rows;

  /** Reads the rows of a Parquet file as JSON. */
  @FunctionalInterface
  public interface Rows {
    /** All rows, in order. */
    List<String> json(String uri) throws IOException;
  }

  /**
   * With a model's tokenizer.
   *
   * @param vocabulary rows of the model's embedding
   * @param column of texts
   * @param rows reads Parquet
   */
  public CalibrationText(Tokenizer tokenizer, int vocabulary, String column, Rows rows) {
    this.tokenizer = tokenizer;
    this.vocabulary = vocabulary;
    this.column = column;
    this.rows = rows;
    if (tokenizer.vocabularySize() > vocabulary) {
      throw new QuantException(
          "the tokenizer has "
              + tokenizer.vocabularySize()
              + " ids, the model's embedding "
              + vocabulary
              + " rows; use the tokenizer that came with the model");
    }
  }

  /**
   * Reads sequences.
   *
   * @param uri a file, or a folder of files
   * @throws QuantException when there are fewer, saying how many
   */
  public List<int[]> read(Storage storage, String uri, int samples, int length) throws IOException {
    TokenCutter cutter = new TokenCutter(length, samples);
    Folder folder = storage.folder(uri);
    List<String> names =
        folder.list("").stream()
            .filter(name -> !name.startsWith("_") && !name.startsWith("."))
            .toList();
    if (names.isEmpty()) {
      int slash = uri.lastIndexOf('/');
      folder = storage.folder(slash < 0 ? "." : uri.substring(0, Math.max(1, slash)));
      names = List.of(uri.substring(slash + 1));
    }
    for (String name : names) {
      if (!cutter.full()) {
        readFile(folder, name, cutter, BYTES_A_TOKEN * samples * length);
      }
    }
    if (!cutter.full()) {
      throw new QuantException(
          "--data "
              + uri
              + ": holds "
              + cutter.sequences().size()
              + " sequences of "
              + length
              + " tokens ("
              + cutter.tokens()
              + " tokens in all"
              + (cutter.shortRows() == 0 ? "" : ", " + cutter.shortRows() + " rows are shorter")
              + "), and --samples asks for "
              + samples
              + "; give more text, or ask for fewer or shorter sequences");
    }
    return cutter.sequences();
  }

  private void readFile(Folder folder, String name, TokenCutter cutter, long wanted)
      throws IOException {
    String where = folder.location() + "/" + name;
    if (name.endsWith(".parquet")) {
      addRows(rows.json(where), where, cutter);
      return;
    }
    if (folder.size(name).isEmpty()) {
      throw new QuantException("--data " + where + ": there is no such file");
    }
    String text = text(folder, name, wanted + LEAST_BYTES);
    if (name.endsWith(".jsonl")) {
      addRows(text.lines().filter(line -> !line.isBlank()).toList(), where, cutter);
    } else {
      cutter.text(tokenizer.encodeWithSpecialTokens(text));
    }
  }

  /** Whole lines of at most so many bytes, or all. */
  private static String text(Folder folder, String name, long most) throws IOException {
    try (ByteSource source = folder.open(name)) {
      byte[] bytes = new byte[Math.toIntExact(Math.min(source.size(), most))];
      source.readFully(0, bytes, 0, bytes.length);
      int end = bytes.length;
      while (bytes.length < source.size() && end > 0 && bytes[end - 1] != '\n') {
        end--;
      }
      return new String(bytes, 0, end == 0 ? bytes.length : end, StandardCharsets.UTF_8);
    }
  }

  private void addRows(List<String> lines, String where, TokenCutter cutter) {
    for (int i = 0; i < lines.size() && !cutter.full(); i++) {
      JsonNode row = row(lines.get(i), where, i);
      if (row.path(TOKENS).isArray()) {
        cutter.row(tokens(row.path(TOKENS), where, i));
      } else if (row.path(column).isTextual()) {
        cutter.text(tokenizer.encodeWithSpecialTokens(row.path(column).textValue()));
      } else {
        throw new QuantException(
            where
                + ", row "
                + (i + 1)
                + ": has neither a text in \""
                + column
                + "\" nor tokens in \""
                + TOKENS
                + "\"; name the column of texts by --text-column");
      }
    }
  }

  private static JsonNode row(String line, String where, int index) {
    try {
      return JSON.readTree(line);
    } catch (JsonProcessingException e) {
      throw new QuantException(
          where + ", line " + (index + 1) + ": is not JSON: " + e.getOriginalMessage(), e);
    }
  }

  private int[] tokens(JsonNode ids, String where, int index) {
    int[] tokens =
        StreamSupport.stream(ids.spliterator(), false).mapToInt(JsonNode::intValue).toArray();
    for (int id : tokens) {
      if (id < 0 || id >= vocabulary) {
        throw new QuantException(
            where
                + ", row "
                + (index + 1)
                + ": token "
                + id
                + " is none of this model, whose vocabulary has "
                + vocabulary
                + "; use tokens that were made for it");
      }
    }
    return tokens;
  }
}
