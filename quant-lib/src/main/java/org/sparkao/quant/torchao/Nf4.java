package org.sparkao.quant.torchao;

import java.util.Objects;
import org.sparkao.quant.format.WeightType;

/**
 * NF4, the 4-bit format of QLoRA: the nearest of 16 quantiles of the normal distribution, times the
 * largest magnitude of the block; these scales are stored as int8 around their mean. A block of
 * zeros has code 0, as in the reference.
 *
 * <p>Source: Dettmers et al., "QLoRA" (2023), section 3; torchao {@code
 * quantization/quantize_/workflows/nf4/nf4_tensor.py}.
 *
 * @param levels [16], the numbers that codes stand for, in the type of the input
 * @param codes [values / 2], two codes a byte, the even value in the high half
 * @param scalerCodes [blocks], the scales of blocks
 * @param scalerFactors [scaler blocks], what scales minus their mean were multiplied with
 * @param scalerMean mean of the scales
 * @param dequantized [values], in the type of the input
 */
public record Nf4(
    float[] levels,
    byte[] codes,
    byte[] scalerCodes,
    float[] scalerFactors,
    float scalerMean,
    float[] dequantized) {
  private static final float[] QUANTILES = {
    -1f, -0.6962f, -0.5251f, -0.3949f, -0.2844f, -0.1848f, -0.0911f, 0f,
    0.0796f, 0.1609f, 0.2461f, 0.3379f, 0.4407f, 0.5626f, 0.723f, 1f
  };

  /** All parts are given. */
  public Nf4 {
    Objects.requireNonNull(levels, "levels");
    Objects.requireNonNull(codes, "codes");
    Objects.requireNonNull(scalerCodes, "scalerCodes");
    Objects.requireNonNull(scalerFactors, "scalerFactors");
    Objects.requireNonNull(dequantized, "dequantized");
  }

  /**
   * Quantizes {@code values}, whose number is a multiple of {@code blockSize * scalerBlockSize}.
   *
   * @param type type of the values, BF16, F16 or F32; every operation is rounded to it
   */
  public static Nf4 quantize(float[] values, int blockSize, int scalerBlockSize, WeightType type) {
    if (blockSize % 2 != 0 || values.length % ((long) blockSize * scalerBlockSize) != 0) {
      throw new IllegalArgumentException(
          values.length + " values in " + scalerBlockSize + " blocks of " + blockSize);
    }
    float[] levels = QUANTILES.clone();
    for (int i = 0; i < levels.length; i++) {
      levels[i] = type.round(levels[i]);
    }
    float[] scalers = largestMagnitudes(values, blockSize);
    float mean = mean(scalers, type);
    float[] centred = new float[scalers.length];
    for (int i = 0; i < centred.length; i++) {
      centred[i] = type.round(scalers[i] - mean);
    }
    float[] factors = largestMagnitudes(centred, scalerBlockSize);
    for (int i = 0; i < factors.length; i++) {
      factors[i] = type.round(type.round(1 / (2 * factors[i])) * 256);
    }
    byte[] scalerCodes = new byte[scalers.length];
    byte[] codes = new byte[values.length / 2];
    float[] dequantized = new float[values.length];
    for (int block = 0; block < scalers.length; block++) {
      float factor = factors[block / scalerBlockSize];
      double code = Math.rint(type.round(centred[block] * factor));
      scalerCodes[block] = (byte) (int) Math.max(-128, Math.min(127, code));
      float scaler = type.round(type.round(scalerCodes[block] / factor) + mean);
      for (int i = block * blockSize; i < (block + 1) * blockSize; i++) {
        int nearest = nearest(type.round(values[i] / scalers[block]), levels, type);
        codes[i / 2] |= (byte) (i % 2 == 0 ? nearest << 4 : nearest);
        dequantized[i] = type.round(levels[nearest] * scaler);
      }
    }
    return new Nf4(levels, codes, scalerCodes, factors, mean, dequantized);
  }

  private static float[] largestMagnitudes(float[] values, int blockSize) {
    float[] largest = new float[values.length / blockSize];
    for (int i = 0; i < values.length; i++) {
      largest[i / blockSize] = Math.max(largest[i / blockSize], Math.abs(values[i]));
    }
    return largest;
  }

  private static float mean(float[] scalers, WeightType type) {
    double sum = 0;
    for (float scaler : scalers) {
      sum += scaler;
    }
    return type.round(type.round((float) sum) / scalers.length);
  }

  private static int nearest(float value, float[] levels, WeightType type) {
    int best = 0;
    float least = Float.POSITIVE_INFINITY;
    for (int i = 0; i < levels.length; i++) {
      float distance = Math.abs(type.round(value - levels[i]));
      if (distance < least) {
        least = distance;
        best = i;
      }
    }
    return best;
  }
}
