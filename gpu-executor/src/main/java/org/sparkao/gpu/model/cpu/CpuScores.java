package org.sparkao.gpu.model.cpu;

import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.Arrays;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.model.ModelOperators.TokenScores;

/** Log-probabilities of targets, a row at a time. */
final class CpuScores {
  private final FloatBuffer logits;
  private final int vocabulary;
  private final ByteBuffer targets;
  private final ByteBuffer logProbabilities;
  private final ByteBuffer greedy;

  CpuScores(Buffer logits, int vocabulary, Buffer targets, TokenScores scores) {
    this.logits = Workspace.floats(logits);
    this.vocabulary = vocabulary;
    this.targets = CpuDevice.bytes(targets);
    this.logProbabilities = CpuDevice.bytes(scores.logProbabilities());
    this.greedy = CpuDevice.bytes(scores.greedy());
  }

  void score(int row) {
    int width = Lanes.roundUp(vocabulary, Lanes.WIDTH);
    float[] values = new float[width];
    logits.get(row * vocabulary, values, 0, vocabulary);
    Arrays.fill(values, vocabulary, width, Float.NEGATIVE_INFINITY);
    float largest = Exponential.largest(values, 0, width);
    int best = 0;
    while (best < vocabulary && values[best] != largest) {
      best++;
    }
    int at = Integer.BYTES * row;
    int target = targets.getInt(at);
    double logit = target >= 0 && target < vocabulary ? values[target] : Double.NaN;
    Exponential.apply(values, 0, width, largest, 1);
    Arrays.fill(values, vocabulary, width, 0);
    double sum = Exponential.sum(values, 0, width);
    logProbabilities.putFloat(at, (float) (logit - largest - Math.log(sum)));
    greedy.putInt(at, best < vocabulary ? best : -1);
  }
}
