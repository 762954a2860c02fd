package org.sparkao.jobs.table;

import static io.delta.kernel.types.IntegerType.INTEGER;
import static io.delta.kernel.types.LongType.LONG;
import static io.delta.kernel.types.StringType.STRING;

import io.delta.kernel.types.ArrayType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * One sample of {@code generate}. Samples are in Parquet files of their own, not in a table.
 *
 * @param sample number of the sample, from 0
 * @param prompt what it begins with
 * @param ids prompt and what follows it; nobody changes them
 * @param text of all tokens, special ones left out
 * @param origin what all samples of a run have in common
 */
public record SampleRow(long sample, PromptPlace prompt, int[] ids, String text, Origin origin) {
  private static final List<Column> COLUMNS =
      List.of(
          new Column("sample", LONG, "number of the sample, from 0"),
          new Column("seed", LONG, "seed of prompts and tokens"),
          new Column("prompt_source", STRING, "file of the prompt; null for a random token"),
          new Column(
              "prompt_offset",
              LONG,
              "where its text begins: byte, or row of a Parquet file; null for a random token"),
          new Column("prompt_tokens", INTEGER, "tokens of the prompt, the first of token_ids"),
          new Column("token_ids", new ArrayType(INTEGER, false), "prompt and what follows it"),
          new Column("text", STRING, "of all tokens, special ones left out"),
          new Column("checkpoint_hash", STRING, "SHA-256 of the checkpoint, as in eval_items"),
          new Column("numerics", STRING, "how the model computed, and on which device"));

  /**
   * Where a prompt comes from.
   *
   * @param source file; empty for a random token
   * @param offset where its text begins: byte, or row of a Parquet file
   * @param tokens of it
   */
  public record PromptPlace(String source, long offset, int tokens) {}

  /**
   * What all samples of a run have in common.
   *
   * @param seed of all random bits
   * @param checkpointHash of the model
   * @param numerics how it computed, and on which device
   */
  public record Origin(long seed, String checkpointHash, String numerics) {}

  /**
   * Puts samples into a Parquet file. Equal samples give equal pages; the footer lists their
   * encodings in an order that differs from JVM to JVM.
   *
   * @param file of a local disk, not there yet
   */
  public static void write(Path file, List<SampleRow> samples) throws IOException {
    RowFile.write(file, COLUMNS, samples.stream().map(SampleRow::toRow).toList());
  }

  private List<Object> toRow() {
    boolean random = prompt.source.isEmpty();
    return Arrays.asList(
        sample,
        origin.seed,
        random ? null : prompt.source,
        random ? null : prompt.offset,
        prompt.tokens,
        IntStream.of(ids).boxed().toList(),
        text,
        origin.checkpointHash,
        origin.numerics);
  }
}
