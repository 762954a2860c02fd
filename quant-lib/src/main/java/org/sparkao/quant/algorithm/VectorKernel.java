package org.sparkao.quant.algorithm;

import java.util.ArrayList;
import java.util.List;
import org.sparkao.quant.format.WeightType;

/**
 * The loop of {@link PlainKernel}, eight elements at a time, in stages over pieces that stay in the
 * first-level cache. Groups that need care, or whose quotients leave the range in which the stages
 * are exact, and the last elements of a group go through the plain loop.
 */
final class VectorKernel implements GroupKernel {
  /** fp16 results of at most twice this do not round to infinity. */
  private static final float LARGEST_F16 = 32000;

  private static final float LARGEST_WHOLE = 0x1p20f;

  private final WeightType type;
  private final CodeRule rule;
  private final Quotient quotient;
  private final PlainKernel plain;
  private final VectorStage[] symmetric;
  private final VectorStage[] asymmetric;
  private final VectorPiece piece;

  VectorKernel(WeightType type, CodeRule rule, Quotient quotient) {
    this.type = type;
    this.rule = rule;
    this.quotient = quotient;
    this.plain = new PlainKernel(type, rule, quotient);
    this.symmetric = stages(List.of());
    this.asymmetric = stages(zeroPoint(type, quotient));
    this.piece = new VectorPiece(rule);
  }

  private VectorStage[] stages(List<VectorStage> zeroPoint) {
    List<VectorStage> stages = new ArrayList<>();
    boolean bf16 = type == WeightType.BF16;
    if (bf16 && quotient == Quotient.DIVIDE_IN_WEIGHT_TYPE) {
      stages.add(VectorBf16::readAndDivide);
    } else {
      stages.add(VectorWeights.read(type));
      stages.addAll(positions(type, quotient));
    }
    stages.addAll(zeroPoint);
    stages.add(VectorCodes.of(rule));
    if (bf16) {
      stages.add(VectorBf16::dequantizeAndAdd);
    } else {
      stages.addAll(VectorRounding.dequantize(type));
      stages.add(VectorErrors::add);
    }
    return stages.toArray(VectorStage[]::new);
  }

  /** From weights to where they lie on the grid of codes, zero points not yet added. */
  static List<VectorStage> positions(WeightType type, Quotient quotient) {
    return switch (quotient) {
      case MULTIPLY -> List.of(VectorRounding::multiply);
      case MULTIPLY_AND_ROUND -> VectorRounding.multiplyToWhole(WeightType.F32);
      case MULTIPLY_AND_ROUND_IN_WEIGHT_TYPE -> VectorRounding.multiplyToWhole(type);
      case DIVIDE_KEEPING_SIGN -> List.of(VectorRounding::divideKeepingSign);
      case DIVIDE -> VectorRounding.divide(WeightType.F32);
      case DIVIDE_IN_WEIGHT_TYPE -> VectorRounding.divide(type);
    };
  }

  /** Adds the zero point. */
  static List<VectorStage> zeroPoint(WeightType type, Quotient quotient) {
    boolean inWeightType = quotient == Quotient.DIVIDE_IN_WEIGHT_TYPE;
    return VectorRounding.addZeroPoint(inWeightType ? type : WeightType.F32);
  }

  @Override
  public void quantize(GroupSlice group, GroupScale scale, ErrorSums sums) {
    int whole = fits(group, scale) ? group.count - group.count % VectorLanes.LANES : 0;
    VectorStage[] stages = scale.zeroPoint == 0 ? symmetric : asymmetric;
    piece.source = group.source;
    piece.codes = group.codes;
    piece.scale = scale;
    piece.sums = sums;
    for (int begin = 0; begin < whole; begin += VectorPiece.CAPACITY) {
      piece.count = Math.min(VectorPiece.CAPACITY, whole - begin);
      piece.offset = group.offset + begin * type.bytes();
      piece.codeOffset = group.codeOffset + begin;
      for (VectorStage stage : stages) {
        stage.apply(piece);
      }
    }
    if (whole < group.count) {
      plain.quantize(group, whole, scale, sums);
    }
  }

  /** Whether the stages are exact for the group. */
  private boolean fits(GroupSlice group, GroupScale scale) {
    if (group.careful || type == WeightType.F16 && group.amax > LARGEST_F16) {
      return false;
    }
    float exact =
        switch (quotient) {
          case DIVIDE_IN_WEIGHT_TYPE, DIVIDE, DIVIDE_KEEPING_SIGN -> group.amax / scale.operand;
          default -> group.amax * scale.operand;
        };
    float largest = quotient == Quotient.DIVIDE_IN_WEIGHT_TYPE ? type.round(exact) : exact;
    return largest <= (rule.integer() ? LARGEST_WHOLE : rule.clippedAbove());
  }
}
