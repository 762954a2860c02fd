package org.sparkao.quant.calibrated;

import java.util.Comparator;
import java.util.Optional;
import java.util.stream.IntStream;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.Quantizers;
import org.sparkao.quant.algorithm.RangeChoice;
import org.sparkao.quant.dense.InverseFactor;
import org.sparkao.quant.observe.Workers;

/**
 * GPTQ on the processor. Has no state; what it prepares may serve several quantizers, each in a
 * thread of its own.
 */
public final class CpuGptq implements Gptq {
  /** Damping grows by this until the matrix is positive definite. */
  private static final double GROWTH = 10;

  private final Workers workers;

  /**
   * What inputs alone decide.
   *
   * @param options how it was asked for
   * @param order column at each place of the order
   * @param dead whether a column is
   * @param factor empty when there is none: errors are not passed on
   */
  record Factor(
      GptqOptions options,
      int[] order,
      boolean[] dead,
      Optional<InverseFactor> factor,
      GptqReport report)
      implements Prepared {
    @Override
    public void close() {}
  }

  /** In the caller's thread. */
  public CpuGptq() {
    this(Workers.CALLER);
  }

  /**
   * With help.
   *
   * @param workers share what inputs decide, without an effect on the result
   */
  public CpuGptq(Workers workers) {
    this.workers = workers;
  }

  /** Bytes that a task holds for a weight of {@code columns} columns. */
  public static long bytes(long columns) {
    return InverseFactor.bytes(columns) + GptqTile.bytes(columns);
  }

  @Override
  public Prepared prepare(SecondMoments inputs, GptqOptions options) {
    int k = inputs.columns();
    int[] order = order(inputs, options.order());
    boolean[] dead = new boolean[k];
    int count = 0;
    for (int j = 0; j < k; j++) {
      dead[j] = inputs.at(j, j) == 0;
      count += dead[j] ? 1 : 0;
    }
    double mean = inputs.meanDiagonal() + (double) count / k;
    for (double share = options.damping(); share <= 1; share *= GROWTH) {
      float added = (float) (share * mean);
      Optional<InverseFactor> factor =
          InverseFactor.of(
              k, (i, j) -> element(inputs, order[i], order[j], dead, added), workers::run);
      if (factor.isPresent()) {
        return new Factor(options, order, dead, factor, new GptqReport(share, count, false));
      }
    }
    return new Factor(options, order, dead, Optional.empty(), new GptqReport(1, count, true));
  }

  private static float element(SecondMoments inputs, int i, int j, boolean[] dead, float added) {
    if (i != j) {
      return inputs.at(i, j);
    }
    return (dead[i] ? 1 : inputs.at(i, i)) + added;
  }

  /** Equal columns stay in their order. */
  private static int[] order(SecondMoments inputs, ActOrder order) {
    IntStream columns = IntStream.range(0, inputs.columns());
    if (order == ActOrder.NONE) {
      return columns.toArray();
    }
    return columns
        .boxed()
        .sorted(Comparator.comparing((Integer j) -> -inputs.at(j, j)))
        .mapToInt(Integer::intValue)
        .toArray();
  }

  @Override
  public GptqQuantizer quantizer(QuantizeRequest request, RangeChoice ranges, Prepared prepared) {
    Factor factor = (Factor) prepared;
    if (factor.order().length != request.weight().columns()) {
      throw new IllegalArgumentException(
          "second moments of "
              + factor.order().length
              + " inputs for a weight of "
              + request.weight().columns()
              + " columns");
    }
    boolean byOrder = ColumnGroups.stored(request, factor.options().order());
    RangeChoice inOrder = byOrder ? inOrder(ranges, factor.order()) : ranges;
    return new CpuGptqQuantizer(Quantizers.grid(request, inOrder), factor, byOrder);
  }

  /** Ranges are found from columns in the order in which they are rounded. */
  private static RangeChoice inOrder(RangeChoice ranges, int[] order) {
    return new RangeChoice(
        ranges.range(),
        ranges
            .importance()
            .map(
                all -> {
                  float[] ordered = new float[order.length];
                  for (int place = 0; place < order.length; place++) {
                    ordered[place] = all[order[place]];
                  }
                  return ordered;
                }));
  }
}
