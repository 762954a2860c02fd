package org.sparkao.quant.llamacpp;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Arrays;
import java.util.Optional;

/**
 * How Llama 3 stretches the waves of its rotation, in both forms: parameters in {@code
 * config.json}, divisors of the frequencies in a GGUF file.
 *
 * @param factor by which long waves are stretched
 * @param low waves longer than {@code context / low} are
 * @param high waves shorter than {@code context / high} are not
 * @param context that the model had before
 */
public record RopeStretch(double factor, double low, double high, double context) {
  /** Those of Llama 3.1 and 3.2, which differ in the factor alone. */
  private static final double LOW = 1;

  private static final double HIGH = 4;
  private static final double CONTEXT = 8192;

  /** What each frequency is divided by, in fp32 as llama.cpp's converter computes it. */
  public float[] divisors(double base, int headSize) {
    float[] divisors = new float[headSize / 2];
    for (int i = 0; i < divisors.length; i++) {
      float frequency = 1 / (float) Math.pow(base, (float) (2 * i) / headSize);
      double wave = (float) (2 * Math.PI) / frequency;
      if (wave < context / high) {
        divisors[i] = 1;
      } else if (wave > context / low) {
        divisors[i] = (float) factor;
      } else {
        double smooth = (context / wave - low) / (high - low);
        divisors[i] = (float) (1 / ((1 - smooth) / factor + smooth));
      }
    }
    return divisors;
  }

  /** Writes what {@code config.json} says of positions. */
  static void describe(
      Metadata metadata, double base, int headSize, Optional<float[]> divisors, ObjectNode node) {
    node.put("rope_theta", base);
    if (divisors.isEmpty()) {
      return;
    }
    RopeStretch stretch = new RopeStretch(largest(divisors.get()), LOW, HIGH, CONTEXT);
    if (!Arrays.equals(stretch.divisors(base, headSize), divisors.get())) {
      throw metadata.refused(
          "rope_freqs.weight are not the divisors of Llama 3.1 or 3.2; use the checkpoint that"
              + " the file was converted from");
    }
    node.putObject("rope_scaling")
        .put("factor", stretch.factor())
        .put("high_freq_factor", HIGH)
        .put("low_freq_factor", LOW)
        .put("original_max_position_embeddings", (long) CONTEXT)
        .put("rope_type", "llama3");
  }

  private static double largest(float[] divisors) {
    double largest = 1;
    for (float divisor : divisors) {
      largest = Math.max(largest, divisor);
    }
    return largest;
  }
}
