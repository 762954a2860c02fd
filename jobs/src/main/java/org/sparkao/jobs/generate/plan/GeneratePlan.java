package org.sparkao.jobs.generate.plan;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.sparkao.gpu.layer.SamplingRule;
import org.sparkao.jobs.evaluate.plan.ModelFacts;
import org.sparkao.jobs.evaluate.plan.Sha256;
import org.sparkao.jobs.job.Texts;

/**
 * What is to be sampled.
 *
 * @param checkpoint where it lies
 * @param model what it is
 * @param prompts one a sample, all of one length
 * @param rule how tokens are chosen
 * @param seed of all random bits
 * @param limits when a sample ends
 */
public record GeneratePlan(
    String checkpoint,
    ModelFacts model,
    List<Prompt> prompts,
    SamplingRule rule,
    long seed,
    Limits limits) {
  /** Freezes the list. */
  public GeneratePlan {
    prompts = List.copyOf(prompts);
  }

  /**
   * When a sample ends; prompts are counted.
   *
   * @param most tokens
   * @param least tokens
   * @param endTokens none where samples go on behind them
   */
  public record Limits(int most, int least, int[] endTokens) {}

  /** Tokens of every prompt. */
  public int promptTokens() {
    return prompts.get(0).ids().length;
  }

  /** Most new tokens of all samples. */
  public long newTokens() {
    return (long) prompts.size() * (limits.most() - promptTokens());
  }

  /** SHA-256 of all that decides the samples, beside checkpoint and arithmetic. */
  public String fingerprint() {
    Sha256 hash = new Sha256();
    hash.line("samples 1 " + prompts.size() + " " + rule + " " + seed);
    hash.line(limits.most() + " " + limits.least() + " " + Arrays.toString(limits.endTokens()));
    prompts.forEach(
        prompt ->
            hash.line(
                Arrays.toString(prompt.ids()) + " " + prompt.offset() + " " + prompt.source()));
    return hash.hex();
  }

  /** For the user. */
  public String text() {
    Prompt first = prompts.get(0);
    long texts =
        prompts.stream().mapToLong(Prompt::offset).filter(offset -> offset >= 0).distinct().count();
    String begin =
        first.source().isEmpty()
            ? "a random token each"
            : String.format(
                Locale.ROOT,
                "the first %d tokens of %s texts of %s",
                promptTokens(),
                Texts.count(texts),
                first.source());
    String end =
        limits.endTokens().length == 0
            ? "end tokens end nothing"
            : "end tokens " + Arrays.toString(limits.endTokens()) + " end one";
    return String.format(
        Locale.ROOT,
        "%s: %s, vocabulary %d, context %d%n"
            + "%s samples of at most %d and at least %d tokens, %s; seed %d%n"
            + "prompts: %s%n"
            + "temperature %s, top-k %d, top-p %s, %d greedy tokens%n",
        checkpoint,
        model.architecture(),
        model.vocabulary(),
        model.context(),
        Texts.count(prompts.size()),
        limits.most(),
        Math.max(limits.least(), promptTokens() + 1),
        end,
        seed,
        begin,
        rule.temperature(),
        rule.topK(),
        rule.topP(),
        rule.greedyTokens());
  }
}
