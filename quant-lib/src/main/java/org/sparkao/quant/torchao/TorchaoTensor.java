package org.sparkao.quant.torchao;

import org.sparkao.quant.format.WeightType;

/**
 * A whole matrix [N, K] as torchao quantizes it. The arrays belong to whoever holds the record.
 *
 * @param blocks which values share a scale
 * @param codes [N, K], one code a byte
 * @param scales [blocks down, blocks across], the values of the scales
 * @param scaleCodes the same as bytes for one-byte scales, else empty
 * @param zeroPoints [blocks down, blocks across]
 * @param dequantized [N, K] in the type of the input
 * @param clipped values outside the range of the codes
 */
public record TorchaoTensor(
    Blocks blocks,
    byte[] codes,
    float[] scales,
    byte[] scaleCodes,
    float[] zeroPoints,
    float[] dequantized,
    long clipped) {

  /**
   * Quantizes a whole matrix.
   *
   * @param values [N, K], row-major, each a number of type {@code input}
   */
  public static TorchaoTensor quantize(
      TorchaoSpec spec, float[] values, Blocks blocks, WeightType input) {
    if (values.length != (long) blocks.rows() * blocks.columns()) {
      throw new IllegalArgumentException(values.length + " values for " + blocks);
    }
    GroupRule rule = spec.rule(input);
    boolean byteScales = spec instanceof MxSpec || spec instanceof Nvfp4Spec;
    int count = blocks.down() * blocks.across();
    byte[] codes = new byte[values.length];
    float[] scales = new float[count];
    byte[] scaleCodes = new byte[byteScales ? count : 0];
    float[] zeroPoints = new float[count];
    float[] dequantized = new float[values.length];
    long clipped = 0;
    for (int block = 0; block < count; block++) {
      int corner =
          block / blocks.across() * blocks.blockRows() * blocks.columns()
              + block % blocks.across() * blocks.blockColumns();
      beginBlock(rule, values, blocks, corner);
      scales[block] = rule.scale();
      zeroPoints[block] = rule.zeroPoint();
      if (byteScales) {
        scaleCodes[block] = rule.scaleCode();
      }
      for (int row = 0; row < blocks.blockRows(); row++) {
        int begin = corner + row * blocks.columns();
        int end = begin + blocks.blockColumns();
        clipped += rule.encode(values, begin, end, codes, begin);
        for (int i = begin; i < end; i++) {
          dequantized[i] = rule.decode(codes[i]);
        }
      }
    }
    return new TorchaoTensor(blocks, codes, scales, scaleCodes, zeroPoints, dequantized, clipped);
  }

  private static void beginBlock(GroupRule rule, float[] values, Blocks blocks, int corner) {
    float min = Float.POSITIVE_INFINITY;
    float max = Float.NEGATIVE_INFINITY;
    for (int row = 0; row < blocks.blockRows(); row++) {
      int begin = corner + row * blocks.columns();
      for (int i = begin; i < begin + blocks.blockColumns(); i++) {
        min = Math.min(min, values[i]);
        max = Math.max(max, values[i]);
      }
    }
    rule.begin(min, max);
  }
}
