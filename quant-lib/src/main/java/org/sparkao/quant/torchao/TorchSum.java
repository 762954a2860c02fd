package org.sparkao.quant.torchao;

/**
 * The order in which PyTorch's CPU kernel adds a contiguous run of F32 numbers with 8 lanes, so
 * that sums agree to the last bit: four accumulators take vectors in turn, then the accumulators,
 * then the lanes are added in order. Runs of up to 512 numbers; longer ones go through a cascade.
 *
 * <p>Source: PyTorch {@code aten/src/ATen/native/cpu/SumKernel.cpp}, {@code vectorized_inner_sum}.
 */
final class TorchSum {
  private static final int LANES = 8;
  private static final int ACCUMULATORS = 4;

  private TorchSum() {}

  static float sum(float[] terms, int count) {
    int vectors = count / LANES;
    int inTurn = vectors / ACCUMULATORS * ACCUMULATORS;
    float total = 0;
    for (int i = vectors * LANES; i < count; i++) {
      total += terms[i];
    }
    for (int lane = 0; lane < LANES && vectors > 0; lane++) {
      float laneSum = accumulator(terms, lane, 0, inTurn);
      for (int vector = inTurn; vector < vectors; vector++) {
        laneSum += terms[vector * LANES + lane];
      }
      for (int first = 1; first < ACCUMULATORS; first++) {
        laneSum += accumulator(terms, lane, first, inTurn);
      }
      total += laneSum;
    }
    return total;
  }

  private static float accumulator(float[] terms, int lane, int first, int vectors) {
    float sum = 0;
    for (int vector = first; vector < vectors; vector += ACCUMULATORS) {
      sum += terms[vector * LANES + lane];
    }
    return sum;
  }
}
