package org.sparkao.quant.algorithm;

import org.sparkao.quant.format.NumberFormats;
import org.sparkao.quant.format.Overflow;
import org.sparkao.quant.format.WeightType;

/**
 * e4m3fn scales of 16 elements under one fp32 divisor of the tensor (NVFP4), as compressed-tensors
 * computes them: global = D(D(1 / amax) * 2688), scale = e4m3(D(blockmax / 6) * global) with zero
 * replaced by 0.125, and weights divided by scale / global in fp32.
 *
 * <p>Source: compressed-tensors 0.18, {@code generate_gparam} and {@code calculate_qparams}; the
 * two roundings of the global scale come from {@code scalar / tensor} of PyTorch.
 */
final class NvScale implements ScaleRule {
  private static final float LARGEST_PRODUCT = 448 * 6;
  private static final float LARGEST_CODE = 6;
  private static final float ZERO_REPLACEMENT = 0.125f;

  private final WeightType type;
  private final float global;

  NvScale(WeightType type, float amaxOfTensor) {
    this.type = type;
    this.global = global(type, amaxOfTensor);
  }

  /** The divisor of a tensor; 1 when it cannot be represented. */
  static float global(WeightType type, float amax) {
    float reciprocal = type.round(1 / Math.max(amax, type.smallestNormal()));
    float global = type.round(reciprocal * LARGEST_PRODUCT);
    return Float.isInfinite(global) || Float.isNaN(global) ? 1 : global;
  }

  @Override
  public float global() {
    return global;
  }

  @Override
  public Quotient quotient() {
    return Quotient.DIVIDE;
  }

  @Override
  public void choose(float min, float max, GroupScale out) {
    float amax = Math.max(Math.max(-min, max), 0);
    float scaled = type.round(amax / LARGEST_CODE) * global;
    int code = NumberFormats.E4M3FN.encode(scaled, Overflow.SATURATE);
    if (code == 0) {
      code = NumberFormats.E4M3FN.encode(ZERO_REPLACEMENT, Overflow.SATURATE);
    }
    out.code = code;
    out.zeroPoint = 0;
    out.operand = NumberFormats.E4M3FN.decode(code) / global;
    out.dequantize = out.operand;
  }
}
