package org.sparkao.quant.calibrated;

import java.util.Comparator;
import java.util.Optional;
import java.util.function.DoubleFunction;
import java.util.stream.IntStream;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.Quantizers;
import org.sparkao.quant.algorithm.RangeChoice;
import org.sparkao.quant.calibrated.Gptq.GptqQuantizer;

/**
 * What GPTQ knows of the columns of its weights before there is a factor; the same on all devices.
 *
 * @param options how it was asked for
 * @param order column at each place of the order in which they are rounded
 * @param dead whether a column's input was never other than zero
 * @param deadCount how many are
 * @param mean of the diagonal, dead ones counted as 1
 */
public record GptqColumns(
    GptqOptions options, int[] order, boolean[] dead, int deadCount, double mean) {
  /** Damping grows by this until the matrix is positive definite. */
  private static final double GROWTH = 10;

  /** The columns of layers with these inputs. */
  public static GptqColumns of(SecondMoments inputs, GptqOptions options) {
    int k = inputs.columns();
    boolean[] dead = new boolean[k];
    int count = 0;
    for (int j = 0; j < k; j++) {
      dead[j] = inputs.at(j, j) == 0;
      count += dead[j] ? 1 : 0;
    }
    double mean = inputs.meanDiagonal() + (double) count / k;
    return new GptqColumns(options, order(inputs, options.order()), dead, count, mean);
  }

  /** Equal columns stay in their order. */
  private static int[] order(SecondMoments inputs, ActOrder order) {
    IntStream columns = IntStream.range(0, inputs.columns());
    if (order == ActOrder.NONE) {
      return columns.toArray();
    }
    float[] diagonal = new float[inputs.columns()];
    for (int j = 0; j < diagonal.length; j++) {
      diagonal[j] = inputs.at(j, j);
    }
    return columns
        .boxed()
        .sorted(Comparator.comparing((Integer j) -> -diagonal[j]))
        .mapToInt(Integer::intValue)
        .toArray();
  }

  /**
   * What stands on the diagonal at each place.
   *
   * @param damping share of the mean that is added
   */
  public float[] diagonal(SecondMoments inputs, double damping) {
    float added = (float) (damping * mean);
    float[] diagonal = new float[order.length];
    for (int place = 0; place < order.length; place++) {
      int column = order[place];
      diagonal[place] = (dead[column] ? 1 : inputs.at(column, column)) + added;
    }
    return diagonal;
  }

  /**
   * A factor, and how it came to that.
   *
   * @param factor empty where no damping makes the matrix positive definite
   */
  public record Damped<F>(Optional<F> factor, GptqReport report) {}

  /**
   * Tries the damping that was asked for, then ten times as much each time, up to 1.
   *
   * @param factorOf the factor under a damping, empty when there is none
   */
  public <F> Damped<F> damped(DoubleFunction<Optional<F>> factorOf) {
    for (double share = options.damping(); share <= 1; share *= GROWTH) {
      Optional<F> factor = factorOf.apply(share);
      if (factor.isPresent()) {
        return new Damped<>(factor, new GptqReport(share, deadCount, false));
      }
    }
    return new Damped<>(Optional.empty(), new GptqReport(1, deadCount, true));
  }

  /**
   * A quantizer for one weight.
   *
   * @param request as in {@link Gptq#quantizer}
   * @param solvers of the device that rounds
   */
  public GptqQuantizer quantizer(
      QuantizeRequest request, RangeChoice ranges, GptqSolver.Factory solvers) {
    if (order.length != request.weight().columns()) {
      throw new IllegalArgumentException(
          "second moments of "
              + order.length
              + " inputs for a weight of "
              + request.weight().columns()
              + " columns");
    }
    boolean byOrder = ColumnGroups.stored(request, options.order());
    RangeChoice inOrder = byOrder ? inOrder(ranges) : ranges;
    return new GridGptqQuantizer(Quantizers.grid(request, inOrder), order, byOrder, solvers);
  }

  /** Ranges are found from columns in the order in which they are rounded. */
  private RangeChoice inOrder(RangeChoice ranges) {
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
