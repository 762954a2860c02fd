package org.sparkao.quant.algorithm;

import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import org.sparkao.quant.format.WeightType;

/** Reads weights as fp32. */
final class VectorWeights {
  /** 112 = 127 - 15, the difference of the exponent biases of fp32 and fp16. */
  private static final int REBIAS = 112 << VectorLanes.MANTISSA_BITS;

  private static final int ONE_EXPONENT = 1 << VectorLanes.MANTISSA_BITS;
  private static final float F16_SMALLEST_NORMAL = 0x1p-14f;

  private VectorWeights() {}

  static VectorStage read(WeightType type) {
    return switch (type) {
      case BF16 -> VectorWeights::readBf16;
      case F16 -> VectorWeights::readF16;
      case F32 -> VectorWeights::readF32;
    };
  }

  private static void readBf16(VectorPiece piece) {
    byte[] source = piece.source;
    int offset = piece.offset;
    float[] out = piece.weights;
    int count = piece.count;
    for (int j = 0; j < count; j += VectorLanes.LANES) {
      ShortVector.fromByteArray(
              VectorLanes.EIGHT_SHORTS, source, offset + 2 * j, ByteOrder.LITTLE_ENDIAN)
          .convertShape(VectorOperators.S2I, VectorLanes.INTS, 0)
          .lanewise(VectorOperators.LSHL, 16)
          .reinterpretAsFloats()
          .intoArray(out, j);
    }
  }

  private static void readF16(VectorPiece piece) {
    byte[] source = piece.source;
    int offset = piece.offset;
    float[] out = piece.weights;
    int count = piece.count;
    for (int j = 0; j < count; j += VectorLanes.LANES) {
      IntVector bits =
          (IntVector)
              ShortVector.fromByteArray(
                      VectorLanes.EIGHT_SHORTS, source, offset + 2 * j, ByteOrder.LITTLE_ENDIAN)
                  .convertShape(VectorOperators.S2I, VectorLanes.INTS, 0);
      IntVector magnitude = bits.and(0x7FFF).lanewise(VectorOperators.LSHL, 13);
      // A subnormal number gets a leading one, which is subtracted again.
      IntVector subnormal =
          magnitude
              .add(REBIAS + ONE_EXPONENT)
              .reinterpretAsFloats()
              .sub(F16_SMALLEST_NORMAL)
              .reinterpretAsInts();
      IntVector chosen =
          magnitude
              .add(REBIAS)
              .blend(subnormal, magnitude.compare(VectorOperators.LT, ONE_EXPONENT));
      IntVector sign = bits.and(0x8000).lanewise(VectorOperators.LSHL, 16);
      chosen.or(sign).reinterpretAsFloats().intoArray(out, j);
    }
  }

  private static void readF32(VectorPiece piece) {
    byte[] source = piece.source;
    int offset = piece.offset;
    float[] out = piece.weights;
    int count = piece.count;
    for (int j = 0; j < count; j += VectorLanes.LANES) {
      FloatVector.fromByteArray(VectorLanes.FLOATS, source, offset + 4 * j, ByteOrder.LITTLE_ENDIAN)
          .intoArray(out, j);
    }
  }
}
