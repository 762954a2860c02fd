package org.sparkao.quant.algorithm;

/**
 * fp32 scales of the {@code quant_method: fp8} checkpoints: weights are multiplied by 448 / amax,
 * and its reciprocal is stored. A block of zeros has scale 1; a multiplier too large for fp32 is
 * cut to the largest number.
 *
 * <p>Source: transformers, {@code integrations/finegrained_fp8.py}.
 */
final class DeepSeekScale implements ScaleRule {
  private static final float LARGEST_CODE = 448;

  @Override
  public Quotient quotient() {
    return Quotient.MULTIPLY;
  }

  @Override
  public void choose(float min, float max, GroupScale out) {
    float amax = Math.max(Math.max(-min, max), 0);
    out.operand = amax == 0 ? 1 : Math.min(LARGEST_CODE / amax, Float.MAX_VALUE);
    out.dequantize = 1 / out.operand;
    out.zeroPoint = 0;
  }
}
