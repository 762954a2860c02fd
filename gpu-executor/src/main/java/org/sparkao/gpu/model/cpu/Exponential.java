package org.sparkao.gpu.model.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * exp of many numbers, and what softmax needs besides. exp is within 2 ulp from -87.3 to 88.3; what
 * is beyond counts as the nearer bound, NaN stays NaN. Polynomial and reduction: Cephes, expf.
 */
public final class Exponential {
  private static final VectorSpecies<Float> V = Lanes.EIGHT;
  private static final int LANES = Lanes.WIDTH;
  private static final float SMALLEST = -87.3f;
  private static final float LARGEST = 88.3f;
  private static final float LOG2_E = 1.44269504f;

  /** ln 2 in two parts; the first has few bits, so that its multiples are exact. */
  private static final float LN2_HIGH = 0.693359375f;

  private static final float LN2_LOW = -2.12194440e-4f;

  /** 1.5 * 2^23: adding it rounds to a whole number, which is in the low bits of the sum. */
  private static final float WHOLE = 0x1.8p23f;

  private static final int ONE_EXPONENT = 127 - Float.floatToRawIntBits(WHOLE);
  private static final int MANTISSA_BITS = 23;

  /** Elements whose sum is made in fp32. */
  private static final int SUMMED = 128;

  private Exponential() {}

  /**
   * a = exp((a - shift) * scale).
   *
   * @param count a multiple of 8
   */
  public static void apply(float[] a, int from, int count, float shift, float scale) {
    int end = from + count;
    for (int i = from; i < end; i += LANES) {
      FloatVector x =
          FloatVector.fromArray(V, a, i).sub(shift).mul(scale).max(SMALLEST).min(LARGEST);
      FloatVector shifted =
          x.fma(FloatVector.broadcast(V, LOG2_E), FloatVector.broadcast(V, WHOLE));
      FloatVector n = shifted.sub(WHOLE);
      FloatVector r = n.fma(FloatVector.broadcast(V, -LN2_HIGH), x);
      r = n.fma(FloatVector.broadcast(V, -LN2_LOW), r);
      FloatVector p = FloatVector.broadcast(V, 1.9875691500E-4f);
      p = r.fma(p, FloatVector.broadcast(V, 1.3981999507E-3f));
      p = r.fma(p, FloatVector.broadcast(V, 8.3334519073E-3f));
      p = r.fma(p, FloatVector.broadcast(V, 4.1665795894E-2f));
      p = r.fma(p, FloatVector.broadcast(V, 1.6666665459E-1f));
      p = r.fma(p, FloatVector.broadcast(V, 5.0000001201E-1f));
      p = r.mul(r).fma(p, r).add(1f);
      p.mul(
              shifted
                  .reinterpretAsInts()
                  .add(ONE_EXPONENT)
                  .lanewise(VectorOperators.LSHL, MANTISSA_BITS)
                  .reinterpretAsFloats())
          .intoArray(a, i);
    }
  }

  /**
   * The largest.
   *
   * @param count a multiple of 8
   */
  public static float largest(float[] a, int from, int count) {
    FloatVector largest = FloatVector.broadcast(V, Float.NEGATIVE_INFINITY);
    int end = from + count;
    for (int i = from; i < end; i += LANES) {
      largest = FloatVector.fromArray(V, a, i).max(largest);
    }
    return FloatVector.broadcast(V, Float.NEGATIVE_INFINITY)
        .max(largest)
        .reduceLanes(VectorOperators.MAX);
  }

  /**
   * The sum: in fp32 within pieces of 128 numbers and eight lanes, then in fp64. Zeros at the end
   * change nothing.
   *
   * @param count a multiple of 8
   */
  public static double sum(float[] a, int from, int count) {
    double total = 0;
    float[] lanes = new float[LANES];
    for (int at = from; at < from + count; at += SUMMED) {
      int end = Math.min(at + SUMMED, from + count);
      FloatVector sum = FloatVector.zero(V);
      for (int i = at; i < end; i += LANES) {
        sum = FloatVector.fromArray(V, a, i).add(sum);
      }
      FloatVector.zero(V).add(sum).intoArray(lanes, 0);
      for (float lane : lanes) {
        total += lane;
      }
    }
    return total;
  }
}
