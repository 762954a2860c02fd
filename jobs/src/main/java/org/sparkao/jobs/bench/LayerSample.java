package org.sparkao.jobs.bench;

import java.nio.ByteBuffer;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.layer.AttentionCall;
import org.sparkao.gpu.layer.AttentionLayer;
import org.sparkao.gpu.layer.AttentionWeights;
import org.sparkao.gpu.layer.LayerOperators;
import org.sparkao.quant.format.WeightType;

/**
 * Compares the last row that came out of a layer with the references: what is timed is right, or
 * the time means nothing.
 */
final class LayerSample {
  /**
   * ||error|| / ||result|| of what attention adds. Kernels and references round to other bf16
   * numbers now and then, and so to other fp8 codes and scales behind; a scale that is off by 2^-8
   * moves every 16th code by a sixteenth, 1.6 % in all, which may happen twice.
   */
  private static final double BOUND = 0.03;

  private final LayerTrial trial;
  private final LayerProjections weights;

  LayerSample(LayerTrial trial, LayerProjections weights) {
    this.trial = trial;
    this.weights = weights;
  }

  /** Refuses the result of copy 0 where it is not that of the references. */
  void check(LayerRows rows, int m) {
    double[] actual = added(rows.lastRow(rows.call(0).x()), rows.lastRow(rows.call(0).y()));
    double[] expected = expected(rows);
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < expected.length; i++) {
      difference += Math.pow(actual[i] - expected[i], 2);
      norm += Math.pow(expected[i], 2);
    }
    if (!(Math.sqrt(difference / norm) <= BOUND)) {
      throw new IllegalStateException(
          trial.label(m)
              + ": the last row differs from the reference by "
              + Math.sqrt(difference / norm)
              + ", and "
              + BOUND
              + " is allowed: nothing was timed");
    }
  }

  private double[] expected(LayerRows rows) {
    try (CpuDevice cpu = CpuDevice.open()) {
      LayerOperators operators = LayerOperators.reference(cpu);
      AttentionCall call = rows.lastRow(cpu);
      AttentionLayer.Size size =
          new AttentionLayer.Size(trial.shape(), LayerTrial.CACHE, 1, trial.context());
      try (AttentionWeights copy = weights.on(operators, trial.shape());
          AttentionLayer layer = new AttentionLayer(operators, size)) {
        layer.run(copy, call);
        return added(call.x(), call.y());
      }
    }
  }

  /** Row by row, y less x. */
  private static double[] added(Buffer x, Buffer y) {
    byte[] before = read(x);
    byte[] after = read(y);
    double[] added = new double[after.length / Short.BYTES];
    for (int i = 0; i < added.length; i++) {
      int at = Short.BYTES * i;
      added[i] = (double) WeightType.BF16.read(after, at) - WeightType.BF16.read(before, at);
    }
    return added;
  }

  private static byte[] read(Buffer buffer) {
    byte[] bytes = new byte[Math.toIntExact(buffer.bytes())];
    buffer.device().read(buffer, 0, ByteBuffer.wrap(bytes));
    return bytes;
  }
}
