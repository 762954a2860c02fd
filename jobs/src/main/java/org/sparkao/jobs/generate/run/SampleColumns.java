package org.sparkao.jobs.generate.run;

import static io.delta.kernel.types.IntegerType.INTEGER;
import static io.delta.kernel.types.LongType.LONG;
import static io.delta.kernel.types.StringType.STRING;

import io.delta.kernel.types.ArrayType;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.sparkao.jobs.generate.plan.Prompt;
import org.sparkao.jobs.table.Column;

/** Columns of the files, one row a sample. */
final class SampleColumns {
  static final List<Column> ALL =
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

  private SampleColumns() {}

  /**
   * What all rows of a run have in common.
   *
   * @param seed of all random bits
   * @param checkpointHash of the model
   * @param numerics how it computed
   */
  record Common(long seed, String checkpointHash, String numerics) {}

  /** One row. */
  static List<Object> row(Common common, long sample, Prompt prompt, int[] ids, String text) {
    boolean random = prompt.source().isEmpty();
    return Arrays.asList(
        sample,
        common.seed,
        random ? null : prompt.source(),
        random ? null : prompt.offset(),
        prompt.ids().length,
        IntStream.of(ids).boxed().toList(),
        text,
        common.checkpointHash,
        common.numerics);
  }
}
