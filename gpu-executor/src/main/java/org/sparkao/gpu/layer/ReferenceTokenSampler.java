package org.sparkao.gpu.layer;

import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CpuDevice;

/** Plain loops, a row at a time; rows may be chosen at the same time. */
public final class ReferenceTokenSampler implements TokenSampler {
  @Override
  public void sample(LogSoftmax.Logits logits, Draw draw, Buffer next) {
    for (int row = 0; row < logits.rows(); row++) {
      sample(row, logits, draw, next);
    }
  }

  /** Chooses the token of one row. */
  public void sample(int row, LogSoftmax.Logits logits, Draw draw, Buffer next) {
    draw.check(logits, next);
    ByteBuffer to = CpuDevice.bytes(next);
    ByteBuffer asked = CpuDevice.bytes(draw.rows());
    int at = Integer.BYTES * ROW_WORDS * row;
    int flags = asked.getInt(at);
    if ((flags & IDLE) != 0) {
      to.putInt(Integer.BYTES * row, 0);
      return;
    }
    FloatBuffer all = CpuDevice.bytes(logits.values()).asFloatBuffer();
    int first = Math.multiplyExact(row, logits.vocabulary());
    if ((flags & FORBIDS) != 0) {
      forbid(all, first, logits.vocabulary(), draw);
    }
    float[] values = new float[logits.vocabulary()];
    all.get(first, values);
    long sample =
        Integer.toUnsignedLong(asked.getInt(at + 2 * Integer.BYTES))
            | (long) asked.getInt(at + 3 * Integer.BYTES) << 32;
    int position = asked.getInt(at + Integer.BYTES);
    int token =
        (flags & GREEDY) != 0
            ? likeliest(values)
            : drawn(
                values,
                draw.rule(),
                Philox.bits(draw.seed(), Philox.Purpose.TOKEN, sample, position));
    to.putInt(Integer.BYTES * row, token);
  }

  private static void forbid(FloatBuffer all, int first, int vocabulary, Draw draw) {
    ByteBuffer tokens = CpuDevice.bytes(draw.forbidden().orElseThrow());
    for (int i = 0; i < draw.forbiddenTokens(); i++) {
      int token = tokens.getInt(Integer.BYTES * i);
      if (token >= 0 && token < vocabulary) {
        all.put(first + token, Float.NEGATIVE_INFINITY);
      }
    }
  }

  private static int likeliest(float[] logits) {
    int best = -1;
    float largest = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < logits.length; i++) {
      if (logits[i] > largest) {
        largest = logits[i];
        best = i;
      }
    }
    return best;
  }

  private static int drawn(float[] logits, SamplingRule rule, long bits) {
    int best = likeliest(logits);
    if (best < 0) {
      return -1;
    }
    long[] weights = new long[logits.length];
    float scale = rule.exponentScale();
    for (int i = 0; i < weights.length; i++) {
      weights[i] = SamplingWeight.of(logits[i], logits[best], scale);
    }
    cut(logits, weights, rule);
    long total = sum(weights);
    if (total == 0) {
      return -1;
    }
    long wanted = Philox.below(bits, total);
    int token = 0;
    long sum = weights[0];
    while (sum <= wanted) {
      sum += weights[++token];
    }
    return token;
  }

  /** Takes the weights of all tokens that do not stay. */
  private static void cut(float[] logits, long[] weights, SamplingRule rule) {
    if (rule.topK() > 0) {
      long[] ones = new long[weights.length];
      for (int i = 0; i < ones.length; i++) {
        ones[i] = Long.signum(weights[i]);
      }
      cutBelow(logits, weights, threshold(logits, ones, rule.topK()));
    }
    if (rule.topPBits() != 0) {
      long wanted = Philox.below(rule.topPBits(), sum(weights)) + 1;
      cutBelow(logits, weights, threshold(logits, weights, wanted));
    }
  }

  private static void cutBelow(float[] logits, long[] weights, int key) {
    for (int i = 0; i < weights.length; i++) {
      if (SamplingWeight.key(logits[i]) < key) {
        weights[i] = 0;
      }
    }
  }

  /** The largest key at or above which there is so much; the least of all where there is less. */
  private static int threshold(float[] logits, long[] amounts, long wanted) {
    long low = Integer.MIN_VALUE;
    long high = Integer.MAX_VALUE;
    while (low < high) {
      long middle = Math.floorDiv(low + high + 1, 2);
      long sum = 0;
      for (int i = 0; i < logits.length; i++) {
        if (amounts[i] != 0 && SamplingWeight.key(logits[i]) >= middle) {
          sum += amounts[i];
        }
      }
      if (sum >= wanted) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return (int) low;
  }

  private static long sum(long[] weights) {
    long sum = 0;
    for (long weight : weights) {
      sum += weight;
    }
    return sum;
  }
}
