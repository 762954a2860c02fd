package org.sparkao.quant.torchao;

/**
 * Half-quadratic quantization of one group: w = (code - zero) / scale with codes 0 to 2^bits - 1,
 * the scale fixed by the range, the zero improved step by step. All arithmetic in F32. Holds one
 * group at a time and serves one thread; the values stay the caller's.
 *
 * <p>A step quantizes, takes the part of the error that the proximal operator of the l_p norm
 * leaves out of the weights, and sets the zero to the mean that the rest asks for (Badri and Shaji,
 * "Half-Quadratic Quantization of Large Machine Learning Models", 2023, equations 7 to 10). Source:
 * torchao {@code quantization/quant_primitives.py}, {@code optimize_weights_proximal_legacy}.
 */
public final class HqqGroup {
  /** Steps at most. */
  public static final int STEPS = 20;

  private static final float LARGEST_SCALE = 2e4f;
  private static final double NORM = 0.7;
  private static final double FIRST_BETA = 10;
  private static final double KAPPA = 1.01;

  private final float largestCode;
  private final boolean wholeZero;
  private float[] terms = new float[0];

  private float[] values;
  private int begin;
  private int end;
  private float scale;
  private float zero;

  /** For codes of {@code bits} bits, 1 to 8. */
  public HqqGroup(int bits) {
    if (bits < 1 || bits > 8) {
      throw new IllegalArgumentException("codes of " + bits + " bits");
    }
    this.largestCode = (1 << bits) - 1;
    this.wholeZero = bits == 4;
  }

  /** The weight of the proximal term in step {@code step}, counted from 0. */
  public static double beta(int step) {
    double beta = FIRST_BETA;
    for (int i = 0; i < step; i++) {
      beta *= KAPPA;
    }
    return beta;
  }

  /** Takes {@code values[begin, end)} up and lays their range on the codes. */
  void begin(float[] groupValues, int groupBegin, int groupEnd) {
    float min = Float.POSITIVE_INFINITY;
    float max = Float.NEGATIVE_INFINITY;
    for (int i = groupBegin; i < groupEnd; i++) {
      min = Math.min(min, groupValues[i]);
      max = Math.max(max, groupValues[i]);
    }
    begin(groupValues, groupBegin, groupEnd, min, max);
  }

  /** Takes {@code values[begin, end)} up and lays the range from {@code min} to {@code max}. */
  public void begin(float[] groupValues, int groupBegin, int groupEnd, float min, float max) {
    values = groupValues;
    begin = groupBegin;
    end = groupEnd;
    if (terms.length < end - begin) {
      terms = new float[end - begin];
    }
    // torch evaluates number / tensor as reciprocal, then product.
    scale = Math.min(1 / (max - min) * largestCode, LARGEST_SCALE);
    zero = -min * scale;
    if (wholeZero) {
      zero = (float) Math.rint(zero);
    }
  }

  /** Continues with a zero that an earlier step left. */
  void zero(float given) {
    zero = given;
  }

  /** One step; returns the sum of absolute errors under the zero before it. */
  public double step(double beta) {
    double error = 0;
    float weight = (float) (1 / beta);
    // Smaller differences shrink to zero: |x| < weight * |x|^(NORM - 1). Saves their powers.
    float nothingBelow = (float) (0.999 * Math.pow(weight, 1 / (2 - NORM)));
    for (int i = begin; i < end; i++) {
      float code = code(values[i]);
      float difference = values[i] - (code - zero) / scale;
      error += Math.abs(difference);
      float rest = Math.abs(difference) < nothingBelow ? 0 : shrink(difference, weight);
      terms[i - begin] = code - (values[i] - rest) * scale;
    }
    zero = TorchSum.sum(terms, end - begin) / (end - begin);
    return error;
  }

  private static float shrink(float difference, float weight) {
    float magnitude = Math.abs(difference);
    float kept = magnitude - weight * (float) Math.pow(magnitude, (float) (NORM - 1));
    return kept > 0 ? Math.copySign(kept, difference) : 0;
  }

  /** The code of a value under the zero of now. */
  float code(float value) {
    float code = (float) Math.rint(value * scale + zero);
    return Math.max(0, Math.min(largestCode, code));
  }

  float scale() {
    return scale;
  }

  /** The zero that the last step left, in units of codes. */
  public float zero() {
    return zero;
  }
}
