package org.sparkao.gpu.quantize;

import org.sparkao.gpu.device.Buffer;

/**
 * Codes of activations, whose scales are found anew for every row: x [M, K] bf16, K contiguous, to
 * codes [M, K], one a byte, and fp32 scales. Arithmetic of compressed-tensors: a scale is amax /
 * 448 or amax / 127.5 rounded to bf16, the epsilon of bf16 where all are zero; x / scale is rounded
 * to bf16, then to the code. A row's bits do not depend on the other rows. NaN and infinities as in
 * weights: left out of the scale; NaN has the code NaN or 0.
 *
 * <p>K is a multiple of 16. Work goes to the calling thread's stream.
 */
public interface ActivationQuantizer {
  /** Longest row. */
  int LARGEST_K = 32768;

  /** Longest row that is normalized. */
  int LARGEST_NORMALIZED_K = 16384;

  /** Weights that share a scale in {@link #quantizeGroups}. */
  int GROUP = 128;

  /** What codes are. */
  enum Codes {
    /** e4m3fn. */
    FP8_E4M3,
    /** Symmetric integers, -128 to 127. */
    INT8
  }

  /** One scale a row: scales [M]. */
  void quantizeRows(int m, int k, Codes kind, Buffer x, QuantizedRows out);

  /** One scale for each {@link #GROUP} of a row, K being a multiple: scales [M, K / GROUP]. */
  void quantizeGroups(int m, int k, Codes kind, Buffer x, QuantizedRows out);

  /**
   * fp8 codes, one scale a row, of y = bf16(x / sqrt(mean(x^2) + epsilon)) * weight, rounded to
   * bf16: RMSNorm (Zhang and Sennrich 2019) as transformers computes it.
   *
   * @param weight [K] bf16
   */
  void quantizeNormalizedRows(int m, int k, Buffer x, NormWeight weight, QuantizedRows out);

  /**
   * Where codes go.
   *
   * @param codes [M, K] bytes
   * @param scales fp32
   */
  record QuantizedRows(Buffer codes, Buffer scales) {}

  /**
   * The parameters of a norm.
   *
   * @param values [K] bf16
   * @param epsilon added to the mean of squares
   */
  record NormWeight(Buffer values, float epsilon) {}
}
