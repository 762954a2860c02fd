package org.sparkao.jobs.calibrate.plan;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.List;
import java.util.stream.StreamSupport;
import org.sparkao.datasets.tokenizer.Tokenizer;
import org.sparkao.jobs.evaluate.plan.TokenizerFit;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.text.TextFile;
import org.sparkao.quant.QuantException;

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

  /** Of a text at least. */
  private static final long LEAST_BYTES = 1 << 20;

  private static final String OPTION = "--data";

  private final Tokenizer tokenizer;
  private final int vocabulary;
  private final String column;
  private final TextFile.Parquet parquet;

  /**
   * With a model's tokenizer.
   *
   * @param vocabulary rows of the model's embedding
   * @param column of texts
   * @param parquet reads Parquet
   */
  public CalibrationText(
      Tokenizer tokenizer, int vocabulary, String column, TextFile.Parquet parquet) {
    this.tokenizer = tokenizer;
    this.vocabulary = vocabulary;
    this.column = column;
    this.parquet = parquet;
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
    for (TextFile file : files(storage, uri)) {
      if (!cutter.full()) {
        readFile(file, cutter, BYTES_A_TOKEN * samples * length);
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

  private static List<TextFile> files(Storage storage, String uri) throws IOException {
    Folder folder = storage.folder(uri);
    List<TextFile> files =
        folder.list("").stream()
            .filter(name -> !name.startsWith("_") && !name.startsWith("."))
            .map(name -> new TextFile(folder, name, OPTION))
            .toList();
    return files.isEmpty() ? List.of(TextFile.of(storage, uri, OPTION)) : files;
  }

  private void readFile(TextFile file, TokenCutter cutter, long wanted) throws IOException {
    if (!file.hasRows()) {
      cutter.text(tokenizer.encodeWithSpecialTokens(file.text(wanted + LEAST_BYTES)));
      return;
    }
    file.rows(
        parquet,
        row -> {
          add(row, cutter);
          return !cutter.full();
        });
  }

  private void add(TextFile.Row row, TokenCutter cutter) {
    if (row.json().path(TOKENS).isArray()) {
      cutter.row(tokens(row.json().path(TOKENS), row.where()));
    } else if (row.json().path(column).isTextual()) {
      cutter.text(tokenizer.encodeWithSpecialTokens(row.json().path(column).textValue()));
    } else {
      throw new QuantException(
          row.where()
              + ": has neither a text in \""
              + column
              + "\" nor tokens in \""
              + TOKENS
              + "\"; name the column of texts by --text-column");
    }
  }

  private int[] tokens(JsonNode ids, String where) {
    int[] tokens =
        StreamSupport.stream(ids.spliterator(), false).mapToInt(JsonNode::intValue).toArray();
    for (int id : tokens) {
      if (id < 0 || id >= vocabulary) {
        throw new QuantException(
            where
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
