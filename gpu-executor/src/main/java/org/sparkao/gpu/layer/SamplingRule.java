package org.sparkao.gpu.layer;

/**
 * How a next token is chosen from logits. Temperature comes first, then the k likeliest, then of
 * these the nucleus. A token that is as likely as the last one that stays, stays too, so that
 * nothing depends on an order of equals.
 *
 * @param temperature logits are divided by it; 0: always the likeliest token, the first of equals
 * @param topK how many of the likeliest tokens stay; 0: all
 * @param topP the likeliest tokens whose probabilities together reach it stay (Holtzman et al.
 *     2020); 1: all
 * @param greedyTokens so many new tokens of a text are the likeliest ones before any is drawn
 *     (LLM-QAT, Liu et al. 2023, takes 3 to 5)
 */
public record SamplingRule(double temperature, int topK, double topP, int greedyTokens) {
  /** The likeliest token each time. */
  public static final SamplingRule GREEDY = new SamplingRule(0, 0, 1, 0);

  /** The least temperature that is not 0. */
  public static final double LEAST_TEMPERATURE = 1e-3;

  /** Checks the numbers. */
  public SamplingRule {
    boolean hot = temperature >= LEAST_TEMPERATURE && temperature <= 1000;
    if (!(hot || temperature == 0) || topK < 0 || !(topP > 0 && topP <= 1) || greedyTokens < 0) {
      throw new IllegalArgumentException(
          "temperature "
              + temperature
              + " (0, or "
              + LEAST_TEMPERATURE
              + " to 1000), top-k "
              + topK
              + " (0 or more), top-p "
              + topP
              + " (above 0, at most 1), "
              + greedyTokens
              + " greedy tokens (0 or more)");
    }
  }

  /** Whether the token that follows so many new ones is the likeliest. */
  public boolean isGreedy(int newTokens) {
    return temperature == 0 || newTokens < greedyTokens;
  }

  /** What a difference of logits is multiplied by to be an exponent of 2. */
  float exponentScale() {
    return (float) (1 / (temperature * Math.log(2)));
  }

  /** The nucleus as 64 bits behind the binary point; 0: all. */
  long topPBits() {
    return topP == 1 ? 0 : (long) (topP * 0x1p63) << 1;
  }
}
