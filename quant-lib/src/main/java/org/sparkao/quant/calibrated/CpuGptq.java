package org.sparkao.quant.calibrated;

import java.util.Optional;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.RangeChoice;
import org.sparkao.quant.calibrated.GptqColumns.Damped;
import org.sparkao.quant.dense.InverseFactor;
import org.sparkao.quant.observe.Workers;

/**
 * GPTQ on the processor. Has no state; what it prepares may serve several quantizers, each in a
 * thread of its own.
 */
public final class CpuGptq implements Gptq {

  private final Workers workers;

  /**
   * What inputs alone decide.
   *
   * @param factor empty when there is none: errors are not passed on
   */
  record Factor(GptqColumns columns, Optional<InverseFactor> factor, GptqReport report)
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
    GptqColumns columns = GptqColumns.of(inputs, options);
    int[] order = columns.order();
    Damped<InverseFactor> found =
        columns.damped(
            damping -> {
              float[] diagonal = columns.diagonal(inputs, damping);
              return InverseFactor.of(
                  order.length,
                  (i, j) -> i == j ? diagonal[i] : inputs.at(order[i], order[j]),
                  workers::run);
            });
    return new Factor(columns, found.factor(), found.report());
  }

  @Override
  public GptqQuantizer quantizer(QuantizeRequest request, RangeChoice ranges, Prepared prepared) {
    Factor factor = (Factor) prepared;
    return factor
        .columns()
        .quantizer(request, ranges, (grid, groups) -> new CpuGptqSolver(grid, factor, groups));
  }
}
