package org.sparkao.quant.algorithm;

import java.util.Optional;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.scheme.Granularity;
import org.sparkao.quant.scheme.QuantArgs;

/**
 * How each algorithm finds the range of a group. All of them end in the codes that round to nearest
 * gives under that range.
 */
final class RangeSearches {
  private RangeSearches() {}

  /** Refuses algorithms that the scheme of the request leaves nothing to do. */
  static void check(QuantizeRequest request) {
    QuantArgs args = request.scheme().weights();
    WeightAlgorithm algorithm = request.algorithm();
    if (!algorithm.searches()) {
      return;
    }
    if (args.granularity() instanceof Granularity.PerTensor) {
      throw refused(request, "it searches a range a row, group or block, not one for the tensor");
    }
    boolean integer = args.kind() == QuantArgs.Kind.INT;
    if (algorithm == WeightAlgorithm.HISTOGRAM && !integer) {
      throw refused(request, "its error model is that of evenly spaced codes; use mse for floats");
    }
    if (algorithm == WeightAlgorithm.HQQ && (!integer || args.symmetric())) {
      throw refused(request, "it moves zero points; use an asymmetric scheme, such as W4A16_ASYM");
    }
  }

  /** Tables of the search of {@link WeightAlgorithm#MSE}: nothing is dequantized for them. */
  static byte[] mseTables(WeightType type) {
    return new GroupError(type, null, ShrinkSearch.Line.MEMORYLESS_MSE.norm()).tables();
  }

  private static QuantException refused(QuantizeRequest request, String why) {
    return new QuantException(
        "algorithm "
            + request.algorithm().configName()
            + " with scheme "
            + request.scheme().name()
            + ": "
            + why
            + ", or --algorithm rtn");
  }

  /** The search in which activations say how much a column counts; empty for other algorithms. */
  static Optional<WeightedSearch> weighted(
      QuantizeRequest request, ScaleRule rule, GroupKernels kernels, RangeChoice choice) {
    if (request.algorithm() != WeightAlgorithm.IMATRIX) {
      return Optional.empty();
    }
    WeightType type = WeightTypes.of(request.weight().dtype());
    CodeRule codes = CodeRule.of(request.scheme().weights());
    GroupDequantizer loop = kernels.dequantize(type, codes, rule.quotient());
    float[] importance =
        choice
            .importance()
            .orElseThrow(() -> new QuantException("algorithm imatrix needs the inputs' squares"));
    return Optional.of(
        new WeightedSearch(
            new ShrinkSearch(rule, loop, type, ShrinkSearch.Line.IMPORTANCE), importance));
  }

  /** The search of a request, empty when ranges stay as they are. */
  static Optional<RangeSearch> of(
      QuantizeRequest request, ScaleRule rule, CodeRule codes, GroupKernels kernels) {
    WeightType type = WeightTypes.of(request.weight().dtype());
    QuantArgs args = request.scheme().weights();
    GroupDequantizer loop = kernels.dequantize(type, codes, rule.quotient());
    return switch (request.algorithm()) {
      case RTN, IMATRIX, GPTQ, AWQ, SMOOTHQUANT -> Optional.empty();
      case MSE -> Optional.of(new ShrinkSearch(rule, loop, type, ShrinkSearch.Line.MEMORYLESS_MSE));
      case PERCENTILE -> Optional.of(new PercentileSearch(PercentileSearch.DEFAULT_PERCENT));
      case HISTOGRAM -> {
        GroupError squares = new GroupError(type, loop, 2);
        yield Optional.of(new HistogramSearch(rule, codes, squares, args.symmetric()));
      }
      case HQQ -> {
        GroupError error = new GroupError(type, loop, HqqSearch.NORM);
        yield Optional.of(new HqqSearch(rule, codes, error, args.bits()));
      }
    };
  }
}
