package org.sparkao.quant.algorithm;

import org.sparkao.quant.QuantException;
import org.sparkao.quant.scheme.QuantArgs;

/**
 * Scales that were found elsewhere, such as by training, row-major in the shape in which a
 * checkpoint stores them: [N, 1] by row, [N, K / size] by group, [ceil(N / rows), ceil(K /
 * columns)] by block, [1] for the tensor. The arrays belong to this record.
 *
 * @param scales numbers of the type of the weight, above 0
 * @param zeroPoints code values that stand for 0, of signed codes; empty for symmetric codes
 */
public record GivenScales(float[] scales, int[] zeroPoints) {

  /**
   * Refuses scales that are not those of the request.
   *
   * @throws QuantException naming the first value that does not fit, and why
   */
  public void check(QuantizeRequest request) {
    QuantArgs args = request.scheme().weights();
    if (args.scale() != QuantArgs.ScaleKind.WEIGHT_DTYPE) {
      throw refused(request, "its scales are computed from the weights and cannot be given");
    }
    ScaleGrid grid = ScaleGrid.of(args.granularity(), request.weight());
    long expected = grid.shape().stream().reduce(1L, Math::multiplyExact);
    if (scales.length != expected) {
      throw refused(request, scales.length + " scales are given where it has " + grid.shape());
    }
    if (zeroPoints.length != (args.symmetric() ? 0 : scales.length)) {
      throw refused(
          request,
          zeroPoints.length
              + " zero points are given where it has "
              + (args.symmetric() ? "none" : scales.length));
    }
    CodeRule codes = CodeRule.of(args);
    for (int i = 0; i < scales.length; i++) {
      boolean valid =
          scales[i] > 0
              && Float.isFinite(scales[i])
              && WeightTypes.of(request.weight().dtype()).round(scales[i]) == scales[i];
      if (!valid) {
        throw refused(
            request,
            "scale " + i + " is " + scales[i] + ", no positive " + request.weight().dtype());
      }
    }
    for (int i = 0; i < zeroPoints.length; i++) {
      if (zeroPoints[i] < codes.smallest() || zeroPoints[i] > codes.largest()) {
        throw refused(request, "zero point " + i + " is " + zeroPoints[i] + ", which is no code");
      }
    }
  }

  private static QuantException refused(QuantizeRequest request, String why) {
    return new QuantException(
        "scheme "
            + request.scheme().name()
            + " on "
            + request.weight().dtype()
            + " ["
            + request.weight().rows()
            + ", "
            + request.weight().columns()
            + "]: "
            + why);
  }
}
