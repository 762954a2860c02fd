package org.sparkao.gpu.layer;

import java.util.Optional;
import org.sparkao.gpu.device.Buffer;

/**
 * The next token of each row. It follows from the bits of the row's logits, the rule, the seed, the
 * sample and the position, on every device the same: weights are whole numbers, so that their sums
 * have no order.
 *
 * <p>With {@code m} the largest logit, a token's exponent is {@code e = (logit - m) * 1/(T ln 2)},
 * in fp32, each step rounded to nearest even; its weight is {@code floor(2^e * 2^40)} with {@code
 * 2^e} from a polynomial in fp32 (within 1 ulp, {@link SamplingWeight}), 0 for {@code e <= -41} and
 * NaN. Of the tokens that stay, the chosen one is the first, in the order of the vocabulary, at
 * which the sum of weights exceeds {@code floor(u * total / 2^64)}, u being the {@link Philox} bits
 * of (seed, token, sample, position): the inverse of the cumulative distribution.
 */
public interface TokenSampler {
  /** int32 numbers of a row of {@link Draw#rows}. */
  int ROW_WORDS = 4;

  /** A row that nobody asks: nothing is read, its token is 0. */
  int IDLE = 1;

  /** The first of the likeliest tokens is taken, whatever the rule. */
  int GREEDY = 2;

  /** None of {@link Draw#forbidden} is taken. */
  int FORBIDS = 4;

  /**
   * Chooses tokens.
   *
   * @param logits [rows, vocabulary] fp32; those of forbidden tokens become minus infinity
   * @param next [rows] int32: a token; -1 where there is none to choose: all logits NaN, or one
   *     infinite
   */
  void sample(LogSoftmax.Logits logits, Draw draw, Buffer next);

  /**
   * What is drawn.
   *
   * @param rule for all rows that are not greedy
   * @param seed the key of all random bits
   * @param rows [rows, 4] int32: {@link #IDLE}, {@link #GREEDY}, {@link #FORBIDS} or their sum;
   *     position of the token in its sequence; low and high half of the sample's number
   * @param forbidden tokens, int32; absent: no row forbids any
   */
  record Draw(SamplingRule rule, long seed, Buffer rows, Optional<Buffer> forbidden) {
    void check(LogSoftmax.Logits logits, Buffer next) {
      if (logits.type() != LogSoftmax.Type.FP32) {
        throw new IllegalArgumentException("logits of " + logits.type() + ", not FP32");
      }
      LayerShapes.checkBytes("draws", rows, (long) ROW_WORDS * logits.rows(), Integer.BYTES);
      LayerShapes.checkBytes("next tokens", next, logits.rows(), Integer.BYTES);
    }

    int forbiddenTokens() {
      return forbidden.map(tokens -> Math.toIntExact(tokens.bytes() / Integer.BYTES)).orElse(0);
    }
  }
}
