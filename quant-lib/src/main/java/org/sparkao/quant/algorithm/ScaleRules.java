package org.sparkao.quant.algorithm;

import java.util.Optional;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.observe.TensorRange;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.QuantArgs;

/** Which arithmetic finds the scales of a request. */
final class ScaleRules {
  private static final int E4M3_EXPONENT = 8;
  private static final int E2M1_EXPONENT = 2;

  private ScaleRules() {}

  /** Refuses what the numeric profile of the request does not have. */
  static void check(QuantizeRequest request) {
    if (request.numerics() == Numerics.TORCHAO) {
      TorchaoRules.check(request);
    }
  }

  static ScaleRule of(QuantizeRequest request, CodeRule codes, Optional<TensorRange> range) {
    QuantArgs args = request.scheme().weights();
    boolean global = args.scale() == QuantArgs.ScaleKind.E4M3_WITH_GLOBAL;
    float amax = global ? required(request, range).amax() : 0;
    if (request.numerics() == Numerics.TORCHAO) {
      return TorchaoRules.rule(request, amax);
    }
    if (request.layout() == CheckpointLayout.DEEPSEEK) {
      return new DeepSeekScale();
    }
    WeightType type = WeightTypes.of(request.weight().dtype());
    return switch (args.scale()) {
      case WEIGHT_DTYPE -> new AffineScale(type, codes, args.symmetric());
      case E8M0 -> new MicroscalingScale(type, args.bits() == 8 ? E4M3_EXPONENT : E2M1_EXPONENT);
      case E4M3_WITH_GLOBAL -> new NvScale(type, amax);
    };
  }

  /** Scales that are given, checked, in the arithmetic of the request. */
  static ScaleRule given(QuantizeRequest request, GivenScales given, ScaleGrid grid) {
    given.check(request);
    CodeRule codes = CodeRule.of(request.scheme().weights());
    Quotient quotient = of(request, codes, Optional.empty()).quotient();
    return new GivenScaleRule(given, grid, quotient, WeightTypes.of(request.weight().dtype()));
  }

  /** The range of the whole weight, which the scheme of the request cannot do without. */
  static TensorRange required(QuantizeRequest request, Optional<TensorRange> range) {
    return range.orElseThrow(
        () ->
            new QuantException(
                "scheme " + request.scheme().name() + " needs the range of the whole weight"));
  }
}
