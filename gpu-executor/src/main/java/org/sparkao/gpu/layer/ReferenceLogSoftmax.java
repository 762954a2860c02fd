package org.sparkao.gpu.layer;

import java.nio.ByteBuffer;
import java.util.function.LongToDoubleFunction;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CpuDevice;

/** Plain Java, sums in double. */
public final class ReferenceLogSoftmax implements LogSoftmax {
  @Override
  public void gather(Logits logits, Buffer targets, Scores scores) {
    scores.check(targets, logits.rows());
    LongToDoubleFunction values = values(logits);
    for (int row = 0; row < logits.rows(); row++) {
      score(row, logits.vocabulary(), values, targets, scores);
    }
  }

  private static LongToDoubleFunction values(Logits logits) {
    if (logits.type() == Type.BF16) {
      return new Bf16Array(logits.values())::get;
    }
    ByteBuffer bytes = CpuDevice.bytes(logits.values());
    return i -> bytes.getFloat(Math.toIntExact(Float.BYTES * i));
  }

  private static void score(
      int row, int vocabulary, LongToDoubleFunction values, Buffer targets, Scores scores) {
    long first = (long) row * vocabulary;
    int best = -1;
    double largest = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < vocabulary; i++) {
      if (values.applyAsDouble(first + i) > largest) {
        largest = values.applyAsDouble(first + i);
        best = i;
      }
    }
    double sum = 0;
    for (int i = 0; i < vocabulary; i++) {
      sum += Math.exp(values.applyAsDouble(first + i) - largest);
    }
    int at = Integer.BYTES * row;
    int target = CpuDevice.bytes(targets).getInt(at);
    boolean known = target >= 0 && target < vocabulary;
    double logit = known ? values.applyAsDouble(first + target) : Double.NaN;
    CpuDevice.bytes(scores.logProbabilities())
        .putFloat(at, (float) (logit - largest - Math.log(sum)));
    int greedy = best;
    scores
        .isGreedy()
        .ifPresent(buffer -> CpuDevice.bytes(buffer).putInt(at, known && target == greedy ? 1 : 0));
    scores.greedy().ifPresent(buffer -> CpuDevice.bytes(buffer).putInt(at, greedy));
  }
}
