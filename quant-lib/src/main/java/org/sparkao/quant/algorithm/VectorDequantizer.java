package org.sparkao.quant.algorithm;

import java.util.ArrayList;
import java.util.List;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import org.sparkao.quant.format.WeightType;

/**
 * {@link PlainDequantizer} in the stages of a {@link VectorKernel}. Pieces whose quotients leave
 * the range in which the stages are exact, and the last elements of a piece, go through the plain
 * loop.
 */
final class VectorDequantizer implements GroupDequantizer {
  private static final float LARGEST_POSITION = 0x1p20f;

  /** fp16 results of at most twice this do not round to infinity. */
  private static final float LARGEST_F16 = 32000;

  private final WeightType type;
  private final Quotient quotient;
  private final PlainDequantizer plain;
  private final VectorStage[] symmetric;
  private final VectorStage[] asymmetric;
  private final VectorPiece piece;
  private final float[] tail = new float[VectorLanes.LANES];

  VectorDequantizer(WeightType type, CodeRule codes, Quotient quotient) {
    this.type = type;
    this.quotient = quotient;
    this.plain = new PlainDequantizer(type, codes, quotient);
    this.piece = new VectorPiece(codes);
    piece.codes = new byte[VectorPiece.CAPACITY];
    piece.sums = new ErrorSums();
    this.symmetric = stages(codes, List.of());
    this.asymmetric = stages(codes, VectorKernel.zeroPoint(type, quotient));
  }

  private VectorStage[] stages(CodeRule codes, List<VectorStage> zeroPoint) {
    List<VectorStage> stages = new ArrayList<>(VectorKernel.positions(type, quotient));
    stages.addAll(zeroPoint);
    stages.add(VectorDequantizer::clamp);
    stages.add(VectorCodes.of(codes));
    stages.addAll(VectorRounding.dequantize(type));
    return stages.toArray(VectorStage[]::new);
  }

  @Override
  public void dequantize(float[] weights, int begin, int count, GroupScale scale, float[] out) {
    VectorStage[] stages = scale.zeroPoint == 0 ? symmetric : asymmetric;
    piece.scale = scale;
    int whole = count - count % VectorLanes.LANES;
    for (int at = 0; at < whole; at += VectorPiece.CAPACITY) {
      piece.count = Math.min(VectorPiece.CAPACITY, whole - at);
      System.arraycopy(weights, begin + at, piece.weights, 0, piece.count);
      if (fits()) {
        for (VectorStage stage : stages) {
          stage.apply(piece);
        }
      } else {
        plain.dequantize(piece.weights, 0, piece.count, scale, piece.values);
      }
      System.arraycopy(piece.values, 0, out, at, piece.count);
    }
    if (whole < count) {
      plain.dequantize(weights, begin + whole, count - whole, scale, tail);
      System.arraycopy(tail, 0, out, whole, count - whole);
    }
  }

  /** Whether the stages are exact for the weights of the piece. */
  private boolean fits() {
    FloatVector largest = FloatVector.zero(VectorLanes.FLOATS);
    int count = piece.count;
    float[] weights = piece.weights;
    for (int j = 0; j < count; j += VectorLanes.LANES) {
      largest = FloatVector.fromArray(VectorLanes.FLOATS, weights, j).abs().max(largest);
    }
    float amax = largest.reduceLanes(VectorOperators.MAX);
    float operand = piece.scale.operand;
    float position = quotient == Quotient.MULTIPLY ? amax * operand : amax / operand;
    return position <= LARGEST_POSITION && (type != WeightType.F16 || amax <= LARGEST_F16);
  }

  private static void clamp(VectorPiece piece) {
    float[] values = piece.values;
    float smallest = piece.rule.smallest();
    float largest = piece.rule.largest();
    int count = piece.count;
    for (int j = 0; j < count; j += VectorLanes.LANES) {
      FloatVector.fromArray(VectorLanes.FLOATS, values, j)
          .max(smallest)
          .min(largest)
          .intoArray(values, j);
    }
  }
}
