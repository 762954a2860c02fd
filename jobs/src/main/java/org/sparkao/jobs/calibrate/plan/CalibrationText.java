package org.sparkao.jobs.calibrate.plan;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.stream.StreamSupport;
import org.sparkao.datasets.tokenizer.Tokenizer;
import org.sparkao.jobs.evaluate.plan.TokenizerFit;
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

  /** Of lines of JSON that are read at a time, and of a text at least. */
  private static final long PIECE = 1 << 20;

  private static final int LONGEST_ARRAY = Integer.MAX_VALUE - 8;
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
    TokenizerFit.require(tokenizer, vocabulary);
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
      addRows(rows.json(where), where, 0, cutter);
      return;
    }
    if (folder.size(name).isEmpty()) {
      throw new QuantException("--data " + where + ": there is no such file");
    }
    try (ByteSource source = folder.open(name)) {
      if (name.endsWith(".jsonl")) {
        addLines(source, where, cutter);
      } else {
        cutter.text(tokenizer.encodeWithSpecialTokens(text(lines(source, 0, wanted + PIECE))));
      }
    }
  }

  private static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }

  /** From a place on, whole lines of at most so many bytes; all of these where none ends there. */
  private static byte[] lines(ByteSource source, long at, long most) throws IOException {
    long left = source.size() - at;
    byte[] bytes = new byte[(int) Math.min(left, Math.min(most, LONGEST_ARRAY))];
    source.readFully(at, bytes, 0, bytes.length);
    int end = bytes.length;
    while (bytes.length < left && end > 0 && bytes[end - 1] != '\n') {
      end--;
    }
    return end == 0 ? bytes : Arrays.copyOf(bytes, end);
  }

  /** A piece of the file after the other: other columns may be of any size. */
  private void addLines(ByteSource source, String where, TokenCutter cutter) throws IOException {
    long most = PIECE;
    int rows = 0;
    for (long at = 0; at < source.size() && !cutter.full(); ) {
      byte[] bytes = lines(source, at, most);
      boolean ends = bytes[bytes.length - 1] == '\n' || at + bytes.length == source.size();
      if (!ends && most < LONGEST_ARRAY) {
        most *= 2;
        continue;
      }
      List<String> some = text(bytes).lines().filter(line -> !line.isBlank()).toList();
      addRows(some, where, rows, cutter);
      rows += some.size();
      at += bytes.length;
    }
  }

  private void addRows(List<String> lines, String where, int before, TokenCutter cutter) {
    for (int line = 0; line < lines.size() && !cutter.full(); line++) {
      int i = before + line;
      JsonNode row = row(lines.get(line), where, i);
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
