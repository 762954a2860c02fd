package org.sparkao.gpu.model.cuda;

import java.nio.ByteBuffer;
import java.util.Optional;
import org.sparkao.gpu.gemm.DenseOperands;
import org.sparkao.gpu.gemm.ElementType;
import org.sparkao.gpu.gemm.Int4Operands;
import org.sparkao.gpu.gemm.Int4Operands.ZeroPoints;
import org.sparkao.gpu.gemm.Scaling;
import org.sparkao.gpu.model.LinearWeight;
import org.sparkao.gpu.model.StoredTensor;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.Granularity;
import org.sparkao.quant.scheme.QuantArgs;
import org.sparkao.quant.scheme.QuantArgs.Kind;
import org.sparkao.quant.scheme.QuantArgs.ScaleKind;
import org.sparkao.quant.scheme.QuantArgs.Timing;
import org.sparkao.quant.scheme.QuantScheme;
import org.sparkao.quant.scheme.StorageFormat;

/**
 * The one place that says which scheme is computed how in bf16. What is not listed is dequantized,
 * its inputs are rounded to the numbers of their codes, and its numerics say so.
 */
final class LinearForms {
  private static final int LEAST_GROUP = 32;
  private static final int BLOCK = 128;

  private LinearForms() {}

  static LinearForm of(LinearWeight weight) {
    if (!(weight.form() instanceof LinearWeight.Quantized quantized)) {
      return LinearForm.plain();
    }
    QuantScheme scheme = quantized.request().scheme();
    QuantArgs args = scheme.weights();
    if (args.scale() == ScaleKind.WEIGHT_DTYPE) {
      if (args.kind() == Kind.FLOAT && args.bits() == Byte.SIZE) {
        return fp8(weight, quantized);
      }
      if (scheme.format() == StorageFormat.INT_QUANTIZED && args.bits() == Byte.SIZE) {
        return int8(weight, scheme);
      }
      if (scheme.format() == StorageFormat.PACK_QUANTIZED && args.bits() == 4) {
        return int4(weight, quantized);
      }
    }
    return LinearForm.dequantized(weight);
  }

  /** Memory that a weight takes on the device, nearly: codes, scales and zero points. */
  static long bytes(LinearWeight weight) {
    LinearForm form = of(weight);
    long numbers = (long) weight.n() * weight.k();
    if (form.operands() instanceof Int4Operands int4) {
      int group = int4.group() == Int4Operands.ROW ? BLOCK : int4.group();
      int bytesOfGroup = group / 2 + Short.BYTES + (form.zeroPoints() ? 1 : 0);
      return numbers / group * bytesOfGroup;
    }
    int bytes = form.source() == LinearForm.Source.CODES ? Byte.BYTES : Short.BYTES;
    return numbers * bytes + (long) Float.BYTES * weight.n();
  }

  private static LinearForm fp8(LinearWeight weight, LinearWeight.Quantized quantized) {
    QuantScheme scheme = quantized.request().scheme();
    Optional<QuantArgs> inputs = scheme.activations();
    if (inputs.isEmpty() || !isFp8(inputs.get())) {
      return LinearForm.dequantized(weight);
    }
    Granularity weights = scheme.weights().granularity();
    Granularity rows = inputs.get().granularity();
    boolean isStatic = inputs.get().timing() == Timing.STATIC;
    if (weights instanceof Granularity.PerBlock block) {
      boolean known =
          block.rows() == BLOCK
              && block.columns() == BLOCK
              && !isStatic
              && rows instanceof Granularity.PerGroup group
              && group.size() == BLOCK;
      return known
          ? LinearForm.codes(
              DenseOperands.fp8(Scaling.BLOCK, Scaling.BLOCK),
              Inputs.E4M3_GROUPS,
              "e4m3, scales 1x128, x e4m3, scales 128x128")
          : LinearForm.dequantized(weight);
    }
    if (!isWhole(weights)) {
      return LinearForm.dequantized(weight);
    }
    if (isStatic && rows instanceof Granularity.PerTensor && quantized.inputScales().size() == 1) {
      return new LinearForm(
          LinearForm.Source.CODES,
          DenseOperands.fp8(Scaling.TENSOR, Scaling.ROW),
          Inputs.E4M3_STATIC,
          Optional.of(first(quantized.inputScales().get(0))),
          Optional.empty(),
          0,
          "e4m3, its scale given, x e4m3");
    }
    if (isStatic || rows instanceof Granularity.PerGroup) {
      return LinearForm.dequantized(weight);
    }
    String numerics =
        rows instanceof Granularity.PerTensor
            ? "e4m3, a scale a row in place of one a tensor, x e4m3"
            : "e4m3, a scale a row, x e4m3";
    return LinearForm.codes(
        DenseOperands.fp8(Scaling.ROW, Scaling.ROW), Inputs.E4M3_ROWS, numerics);
  }

  private static LinearForm int8(LinearWeight weight, QuantScheme scheme) {
    boolean known =
        scheme.weights().symmetric()
            && isWhole(scheme.weights().granularity())
            && scheme.activations().filter(LinearForms::isInt8).isPresent();
    return known
        ? LinearForm.codes(
            DenseOperands.int8(Scaling.ROW, Scaling.ROW),
            Inputs.INT8_ROWS,
            "int8, a scale a row, x int8")
        : LinearForm.dequantized(weight);
  }

  private static LinearForm int4(LinearWeight weight, LinearWeight.Quantized quantized) {
    QuantScheme scheme = quantized.request().scheme();
    int k = weight.k();
    DType scaleType = quantized.parts().get(1).dtype();
    QuantArgs args = scheme.weights();
    int stored = args.granularity() instanceof Granularity.PerGroup given ? given.size() : 0;
    boolean whole = stored == 0 && isWhole(args.granularity()) || stored == k;
    if (k % LEAST_GROUP != 0
        || !whole && (stored == 0 || stored % LEAST_GROUP != 0 || k % stored != 0)) {
      return LinearForm.dequantized(weight);
    }
    int group = whole ? Int4Operands.ROW : kernelGroup(stored);
    ZeroPoints zeroPoints = args.symmetric() ? ZeroPoints.NONE : ZeroPoints.GIVEN;
    Optional<QuantArgs> inputs = scheme.activations();
    Optional<InputRule> rule = Optional.empty();
    Inputs rows = Inputs.BF16;
    String x = "bf16";
    if (inputs.filter(LinearForms::isFp8Row).isPresent() && args.symmetric()) {
      rows = Inputs.E4M3_ROWS;
      x = "e4m3, a scale a row,";
    } else if (inputs.filter(LinearForms::isInt8).isPresent()) {
      rows = Inputs.INT8_AS_BF16;
      x = "int8 multiplied as bf16, a scale a row,";
    } else if (inputs.isPresent()) {
      rule = InputRule.of(weight);
      rows = rule.isPresent() ? Inputs.NUMBERS : Inputs.BF16;
      x =
          "bf16 "
              + (rule.isPresent() ? "numbers" : "in place")
              + " of "
              + scheme.name()
              + "'s codes";
    }
    ElementType type = rows == Inputs.E4M3_ROWS ? ElementType.E4M3 : ElementType.BF16;
    return new LinearForm(
        LinearForm.Source.INT4,
        new Int4Operands(type, group, zeroPoints),
        rows,
        Optional.empty(),
        rule,
        whole ? 0 : stored,
        x
            + " x int4, "
            + (whole ? "a scale a row" : "groups of " + stored)
            + (scaleType == DType.BF16 ? "" : ", scales rounded to bf16"));
  }

  /** The longest group of the kernels that divides a stored one. */
  private static int kernelGroup(int stored) {
    return stored % 128 == 0 ? 128 : stored % 64 == 0 ? 64 : LEAST_GROUP;
  }

  private static boolean isWhole(Granularity granularity) {
    return granularity instanceof Granularity.PerTensor
        || granularity instanceof Granularity.PerRow;
  }

  private static boolean isFp8(QuantArgs args) {
    return args.kind() == Kind.FLOAT
        && args.bits() == Byte.SIZE
        && args.scale() == ScaleKind.WEIGHT_DTYPE;
  }

  private static boolean isFp8Row(QuantArgs args) {
    return isFp8(args)
        && args.timing() == Timing.DYNAMIC
        && args.granularity() instanceof Granularity.PerToken;
  }

  private static boolean isInt8(QuantArgs args) {
    return args.kind() == Kind.INT
        && args.bits() == Byte.SIZE
        && args.symmetric()
        && args.timing() == Timing.DYNAMIC
        && !(args.granularity() instanceof Granularity.PerGroup);
  }

  private static float first(StoredTensor scale) {
    ByteBuffer numbers = HostNumbers.floats(scale);
    return numbers.getFloat(0);
  }
}
