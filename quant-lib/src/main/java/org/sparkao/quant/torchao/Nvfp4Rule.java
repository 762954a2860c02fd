package org.sparkao.quant.torchao;

import org.sparkao.quant.format.NumberFormats;
import org.sparkao.quant.format.Overflow;
import org.sparkao.quant.format.WeightType;

/**
 * Codes are x * ((1 / tensorScale) / scale) in F32, cut to 6 and rounded to nearest, ties to even.
 * Scales are at least the smallest normal e4m3 number, so values that are all zero have zero codes.
 */
final class Nvfp4Rule implements GroupRule {
  private static final float SMALLEST_SCALE = NumberFormats.E4M3FN.smallestNormal();

  private final WeightType input;
  private final CodeTable table = new CodeTable(NumberFormats.E2M1);
  private final float tensorScale;

  private int scaleCode;
  private float reciprocal;

  Nvfp4Rule(Nvfp4Spec spec, WeightType input) {
    this.input = input;
    this.tensorScale = spec.tensorScale().orElse(1f);
  }

  @Override
  public void begin(float min, float max) {
    float amax = Math.max(Math.abs(min), Math.abs(max));
    float wanted = amax / NumberFormats.E2M1.largest() / tensorScale;
    scaleCode = NumberFormats.E4M3FN.encode(Math.max(SMALLEST_SCALE, wanted), Overflow.SATURATE);
    reciprocal = 1f / tensorScale / NumberFormats.E4M3FN.decode(scaleCode);
  }

  @Override
  public int encode(float[] values, int begin, int end, byte[] codes, int codesBegin) {
    return table.encodeProducts(values, begin, end, reciprocal, codes, codesBegin);
  }

  @Override
  public float decode(byte code) {
    return input.round(table.decode(code) * multiplier());
  }

  @Override
  public float operand() {
    return reciprocal;
  }

  @Override
  public float multiplier() {
    return tensorScale * scale();
  }

  @Override
  public float scale() {
    return NumberFormats.E4M3FN.decode(scaleCode);
  }

  @Override
  public byte scaleCode() {
    return (byte) scaleCode;
  }
}
