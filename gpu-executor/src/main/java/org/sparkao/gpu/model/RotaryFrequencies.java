package org.sparkao.gpu.model;

/** What a position is multiplied by to turn each pair of a head: as transformers, in fp32. */
final class RotaryFrequencies {
  private RotaryFrequencies() {}

  /**
   * Frequencies.
   *
   * @param dimension elements of a head
   * @return [dimension / 2]
   */
  static float[] of(RopeConfig rope, int dimension) {
    float[] wavelengths = new float[dimension / 2];
    for (int i = 0; i < wavelengths.length; i++) {
      wavelengths[i] = (float) Math.pow((float) rope.base(), (float) (2 * i) / dimension);
    }
    float[] frequencies = new float[wavelengths.length];
    for (int i = 0; i < frequencies.length; i++) {
      frequencies[i] = 1 / wavelengths[i];
    }
    if (rope.scaling() instanceof RopeConfig.Linear linear) {
      for (int i = 0; i < frequencies.length; i++) {
        frequencies[i] /= (float) linear.factor();
      }
    } else if (rope.scaling() instanceof RopeConfig.Llama3 llama) {
      for (int i = 0; i < frequencies.length; i++) {
        frequencies[i] = llama3(frequencies[i], llama);
      }
    } else if (rope.scaling() instanceof RopeConfig.Yarn yarn) {
      yarn(frequencies, wavelengths, rope.base(), yarn);
    }
    return frequencies;
  }

  private static float llama3(float frequency, RopeConfig.Llama3 scaling) {
    int context = scaling.originalContext();
    float factor = (float) scaling.factor();
    float wave = (float) (2 * Math.PI) / frequency;
    if (wave > context / scaling.lowFrequencyFactor()) {
      return frequency / factor;
    }
    if (wave < context / scaling.highFrequencyFactor()) {
      return frequency;
    }
    float low = (float) scaling.lowFrequencyFactor();
    float width = (float) (scaling.highFrequencyFactor() - scaling.lowFrequencyFactor());
    float smooth = (context / wave - low) / width;
    return (1 - smooth) * frequency / factor + smooth * frequency;
  }

  /** Between the pairs that turn often, which stay, and those that turn seldom. */
  private static void yarn(
      float[] frequencies, float[] wavelengths, double base, RopeConfig.Yarn yarn) {
    int dimension = 2 * frequencies.length;
    double low = Math.floor(pair(yarn.betaFast(), dimension, base, yarn.originalContext()));
    double high = Math.ceil(pair(yarn.betaSlow(), dimension, base, yarn.originalContext()));
    low = Math.max(low, 0);
    high = Math.min(high, dimension - 1);
    if (low == high) {
      // The source's: a ramp of no width would divide by zero.
      high += 0.001;
    }
    for (int i = 0; i < frequencies.length; i++) {
      float ramp = (i - (float) low) / (float) (high - low);
      float kept = 1 - Math.max(0, Math.min(1, ramp));
      float scaled = 1 / ((float) yarn.factor() * wavelengths[i]);
      frequencies[i] = scaled * (1 - kept) + frequencies[i] * kept;
    }
  }

  /** The pair that turns so often within the context. */
  private static double pair(double rotations, int dimension, double base, int context) {
    return dimension * Math.log(context / (rotations * 2 * Math.PI)) / (2 * Math.log(base));
  }
}
