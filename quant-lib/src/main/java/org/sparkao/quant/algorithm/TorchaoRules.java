package org.sparkao.quant.algorithm;

import java.util.Optional;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.format.NumberFormats;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.Granularity;
import org.sparkao.quant.scheme.QuantArgs;
import org.sparkao.quant.scheme.QuantScheme;
import org.sparkao.quant.torchao.AffineSpec;
import org.sparkao.quant.torchao.AffineSpec.Mapping;
import org.sparkao.quant.torchao.Float8Spec;
import org.sparkao.quant.torchao.MxSpec;
import org.sparkao.quant.torchao.Nvfp4Spec;
import org.sparkao.quant.torchao.TorchaoSpec;

/**
 * Which of torchao's configurations a scheme is: {@code Int8Tensor} for symmetric int8 by row,
 * group or tensor, {@code IntxUnpackedToInt8Tensor} for other integers by row or group, {@code
 * Float8Tensor}, MX with scales rounded up, NVFP4 with two levels. Whatever torchao has not is
 * refused at planning.
 */
final class TorchaoRules {
  private static final int BLOCK = 128;

  private TorchaoRules() {}

  /** Refuses what torchao does not have. */
  static void check(QuantizeRequest request) {
    QuantScheme scheme = request.scheme();
    if (request.algorithm() != WeightAlgorithm.RTN) {
      throw refused(request, "torchao rounds to nearest only; use --algorithm rtn");
    }
    if (request.layout() == CheckpointLayout.DEEPSEEK) {
      throw refused(request, "it is written as layout compressed-tensors or torchao only");
    }
    if (scheme.weights().kind() == QuantArgs.Kind.INT) {
      checkIntegers(request);
    } else if (scheme.weights().scale() == QuantArgs.ScaleKind.WEIGHT_DTYPE) {
      checkFloat8(request);
    } else if (WeightTypes.of(request.weight().dtype()) == WeightType.F16) {
      throw refused(request, "torchao takes bf16 and fp32 weights here, not fp16");
    }
  }

  private static void checkIntegers(QuantizeRequest request) {
    QuantArgs weights = request.scheme().weights();
    boolean rows = weights.granularity() instanceof Granularity.PerRow;
    boolean groups = weights.granularity() instanceof Granularity.PerGroup;
    boolean tensor = weights.granularity() instanceof Granularity.PerTensor;
    if (!rows && !groups && !(tensor && isInt8(weights))) {
      throw refused(
          request,
          "torchao has no scale "
              + weights.granularity().strategy()
              + " for "
              + (weights.symmetric() ? "symmetric" : "asymmetric")
              + " int"
              + weights.bits()
              + "; use granularity=row or group");
    }
    Optional<QuantArgs> activations = request.scheme().activations();
    if (activations.isEmpty()) {
      return;
    }
    QuantArgs inputs = activations.get();
    if (inputs.kind() != QuantArgs.Kind.INT || inputs.bits() != 8) {
      throw refused(request, "torchao's kernels for these activations write other bytes");
    }
    if (inputs.symmetric() && !(isInt8(weights) && rows)) {
      throw refused(
          request,
          "torchao joins symmetric int8 activations to symmetric int8 rows only; use W8A8, or"
              + " 8DA4W for int4 weights");
    }
  }

  private static void checkFloat8(QuantizeRequest request) {
    Granularity granularity = request.scheme().weights().granularity();
    if (granularity instanceof Granularity.PerBlock block) {
      WeightSpec weight = request.weight();
      if (block.rows() != BLOCK || block.columns() != BLOCK) {
        throw refused(request, "torchao has blocks of 128x128 only");
      }
      if (weight.rows() % BLOCK != 0 || weight.columns() % BLOCK != 0) {
        throw refused(
            request,
            "blocks of 128x128 do not fill ["
                + weight.rows()
                + ", "
                + weight.columns()
                + "]; skip the tensor or give it another scheme, such as FP8_DYNAMIC");
      }
    }
  }

  private static QuantException refused(QuantizeRequest request, String why) {
    return new QuantException(
        "scheme "
            + request.scheme().name()
            + " with numerics torchao: "
            + why
            + ", or --numerics compressed-tensors");
  }

  /** The rule of a request that {@link #check} let pass, for a tensor of magnitude {@code amax}. */
  static ScaleRule rule(QuantizeRequest request, float amax) {
    QuantArgs args = request.scheme().weights();
    WeightType type = WeightTypes.of(request.weight().dtype());
    TorchaoSpec spec = spec(args, amax);
    boolean bytes = args.scale() != QuantArgs.ScaleKind.WEIGHT_DTYPE;
    float global = spec instanceof Nvfp4Spec nvfp4 ? 1 / nvfp4.tensorScale().orElse(1f) : 1;
    return new TorchaoScale(spec.rule(type), quotient(spec), bytes, global);
  }

  private static TorchaoSpec spec(QuantArgs args, float amax) {
    if (args.kind() == QuantArgs.Kind.INT) {
      Mapping mapping = args.symmetric() ? Mapping.SYMMETRIC : Mapping.ASYMMETRIC;
      return isInt8(args) ? AffineSpec.int8(mapping) : AffineSpec.intx(args.bits(), mapping);
    }
    return switch (args.scale()) {
      case WEIGHT_DTYPE -> Float8Spec.unbounded(NumberFormats.E4M3FN);
      case E8M0 ->
          new MxSpec(
              args.bits() == 8 ? NumberFormats.E4M3FN : NumberFormats.E2M1,
              MxSpec.ScalingMode.RCEIL);
      // torchao divides by zero when all weights are zero.
      case E4M3_WITH_GLOBAL ->
          amax == 0 ? new Nvfp4Spec(Optional.of(1f)) : Nvfp4Spec.twoLevel(amax);
    };
  }

  private static Quotient quotient(TorchaoSpec spec) {
    if (spec instanceof AffineSpec affine) {
      return affine.scaleType().isPresent()
          ? Quotient.MULTIPLY_AND_ROUND
          : Quotient.MULTIPLY_AND_ROUND_IN_WEIGHT_TYPE;
    }
    return spec instanceof Float8Spec ? Quotient.DIVIDE_KEEPING_SIGN : Quotient.MULTIPLY;
  }

  private static boolean isInt8(QuantArgs args) {
    return args.bits() == 8 && args.symmetric();
  }
}
