package org.sparkao.jobs.generate.plan;

import java.io.IOException;
import java.util.List;
import java.util.Optional;
import org.sparkao.datasets.tokenizer.Tokenizer;
import org.sparkao.gpu.layer.SamplingRule;
import org.sparkao.jobs.evaluate.plan.ModelFacts;
import org.sparkao.jobs.evaluate.plan.TokenizerFit;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.text.TextFile;
import org.sparkao.quant.QuantException;

/** Makes plans, and refuses what cannot be sampled. */
public final class GeneratePlanner {
  private final ModelFacts model;
  private final Tokenizer tokenizer;
  private final Storage storage;
  private final TextFile.Parquet parquet;

  /**
   * For a model.
   *
   * @param tokenizer stays the caller's
   * @throws QuantException if it has ids that the model has no row for
   */
  public GeneratePlanner(
      ModelFacts model, Tokenizer tokenizer, Storage storage, TextFile.Parquet parquet) {
    this.model = model;
    this.tokenizer = tokenizer;
    this.storage = storage;
    this.parquet = parquet;
    TokenizerFit.require(tokenizer, model.vocabulary());
  }

  /**
   * What a user wants.
   *
   * @param samples how many
   * @param file prompts; none: random tokens
   * @param promptTokens of a text
   * @param sequenceLength most tokens of a sample
   * @param minLength least tokens of a sample
   * @param ending whether end tokens end a sample
   */
  public record Wish(
      int samples,
      Optional<PromptFile> file,
      int promptTokens,
      int sequenceLength,
      int minLength,
      Ending ending) {}

  /** What end tokens do. */
  public enum Ending {
    /** They end a sample. */
    ENDS,
    /** Samples go on. */
    GOES_ON
  }

  /** The plan. */
  public GeneratePlan plan(String checkpoint, Wish wish, SamplingRule rule, long seed)
      throws IOException {
    if (wish.sequenceLength > model.context()) {
      throw new QuantException(
          "--sequence-length "
              + wish.sequenceLength
              + ": the context of "
              + checkpoint
              + " is "
              + model.context()
              + " (max_position_embeddings in config.json); choose no more");
    }
    if (wish.minLength > wish.sequenceLength) {
      throw new QuantException(
          "--min-length "
              + wish.minLength
              + ": is more than --sequence-length "
              + wish.sequenceLength
              + "; choose no more");
    }
    PromptChoice choice = new PromptChoice(tokenizer, seed);
    List<Prompt> prompts =
        wish.file.isPresent() ? ofTexts(choice, wish) : choice.random(wish.samples);
    int length = prompts.get(0).ids().length;
    if (length >= wish.sequenceLength) {
      throw new QuantException(
          "--sequence-length "
              + wish.sequenceLength
              + ": the prompts have "
              + length
              + " tokens, and nothing would follow; choose more, or a smaller --prompt-tokens");
    }
    int[] ends =
        wish.ending == Ending.GOES_ON
            ? new int[0]
            : tokenizer.specialTokens().endOfGeneration().stream()
                .mapToInt(Integer::intValue)
                .sorted()
                .toArray();
    return new GeneratePlan(
        checkpoint,
        model,
        prompts,
        rule,
        seed,
        new GeneratePlan.Limits(wish.sequenceLength, wish.minLength, ends));
  }

  private List<Prompt> ofTexts(PromptChoice choice, Wish wish) throws IOException {
    PromptFile file = wish.file.orElseThrow();
    return choice.ofTexts(file, file.read(storage, parquet), wish.promptTokens, wish.samples);
  }
}
