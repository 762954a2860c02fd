package org.sparkao.quant.torchao;

import java.util.Objects;
import java.util.Optional;
import org.sparkao.quant.format.WeightType;

/**
 * Integer codes under a scale and a zero point.
 *
 * <p>Source: torchao {@code quantization/quant_primitives.py}, {@code choose_qparams_affine} and
 * {@code quantize_affine}, and their tinygemm variants.
 *
 * @param mapping how the range of the values is laid on the range of the codes
 * @param codeMin smallest code
 * @param codeMax largest code
 * @param smallestScale the floor of the scale, rounded to the input type; empty for the smallest
 *     normal number of the input type
 * @param scaleType type the scale is stored and multiplied in; empty for the input type
 */
public record AffineSpec(
    Mapping mapping,
    int codeMin,
    int codeMax,
    Optional<Float> smallestScale,
    Optional<WeightType> scaleType)
    implements TorchaoSpec {

  private static final float FLOAT_EPSILON = 0x1p-23f;

  /** How the range of the values is laid on the range of the codes. */
  public enum Mapping {
    /** Scale = amax / ((max - min) / 2) of the codes, so that +amax is cut off. */
    SYMMETRIC,
    /** The larger of min / codeMin and max / codeMax: nothing is cut off. */
    SYMMETRIC_NO_CLIPPING,
    /** The range, widened to hold 0, on all codes; an integer zero point. */
    ASYMMETRIC,
    /** The range as it is on all codes; the zero point is the value of the middle code. */
    FLOAT_ZERO_POINT
  }

  /** A range of codes that one byte holds. */
  public AffineSpec {
    Objects.requireNonNull(mapping, "mapping");
    Objects.requireNonNull(smallestScale, "smallestScale");
    Objects.requireNonNull(scaleType, "scaleType");
    if (codeMin >= codeMax || codeMin < Byte.MIN_VALUE || codeMax > 255) {
      throw new IllegalArgumentException("codes from " + codeMin + " to " + codeMax);
    }
  }

  /** {@code IntxUnpackedToInt8Tensor}: signed codes of {@code bits} bits, 1 to 8. */
  public static AffineSpec intx(int bits, Mapping mapping) {
    int half = 1 << (bits - 1);
    return new AffineSpec(mapping, -half, half - 1, Optional.empty(), Optional.empty());
  }

  /** {@code Int8Tensor}: F32 scale, its floor the epsilon of F32 whatever the input. */
  public static AffineSpec int8(Mapping mapping) {
    return new AffineSpec(
        mapping, -128, 127, Optional.of(FLOAT_EPSILON), Optional.of(WeightType.F32));
  }

  /** The int4 of the tinygemm kernels: codes 0 to 15, floating-point zero point. */
  public static AffineSpec tinygemm() {
    return new AffineSpec(Mapping.FLOAT_ZERO_POINT, 0, 15, Optional.empty(), Optional.empty());
  }

  /** The same with a scale of the given type. */
  public AffineSpec withScaleType(WeightType type) {
    return new AffineSpec(mapping, codeMin, codeMax, smallestScale, Optional.of(type));
  }

  @Override
  public GroupRule rule(WeightType input) {
    return mapping == Mapping.FLOAT_ZERO_POINT
        ? new FloatZeroPointRule(this, input)
        : new AffineRule(this, input);
  }
}
