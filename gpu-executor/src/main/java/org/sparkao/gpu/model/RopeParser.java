package org.sparkao.gpu.model;

/**
 * Reads how positions turn heads, in both spellings: {@code rope_parameters} of transformers 5, and
 * {@code rope_theta} with {@code rope_scaling} of before. Defaults are those of transformers 5.
 */
final class RopeParser {
  private static final double BETA_FAST = 32;
  private static final double BETA_SLOW = 1;

  private final ConfigKeys keys;
  private final ConfigKeys parameters;

  private RopeParser(ConfigKeys keys, ConfigKeys parameters) {
    this.keys = keys;
    this.parameters = parameters;
  }

  static RopeConfig parse(ConfigKeys keys, double defaultBase) {
    String section = keys.has("rope_scaling") ? "rope_scaling" : "rope_parameters";
    ConfigKeys parameters = keys.section(section);
    double outside = keys.positive("rope_theta", defaultBase);
    double base = parameters.positive("rope_theta", outside);
    for (ConfigKeys owner : new ConfigKeys[] {keys, parameters}) {
      if (owner.positive("partial_rotary_factor", 1) != 1) {
        throw owner.refused("partial_rotary_factor", "only whole heads are turned");
      }
    }
    return new RopeConfig(base, new RopeParser(keys, parameters).scaling());
  }

  private RopeConfig.Scaling scaling() {
    String key = parameters.has("rope_type") ? "rope_type" : "type";
    String type = parameters.text(key, "default");
    return switch (type) {
      case "default" -> new RopeConfig.Unscaled();
      case "linear" -> new RopeConfig.Linear(parameters.positive("factor"));
      case "llama3" -> llama3();
      case "yarn" -> yarn();
      default ->
          throw parameters.refused(
              key, "there are default, linear, llama3 and yarn; this model is not run");
    };
  }

  private RopeConfig.Scaling llama3() {
    RopeConfig.Llama3 scaling =
        new RopeConfig.Llama3(
            parameters.positive("factor"),
            parameters.positive("low_freq_factor"),
            parameters.positive("high_freq_factor"),
            originalContext());
    if (scaling.highFrequencyFactor() <= scaling.lowFrequencyFactor()) {
      throw parameters.refused("high_freq_factor", "it is more than low_freq_factor");
    }
    return scaling;
  }

  private RopeConfig.Scaling yarn() {
    if (!parameters.flag("truncate", true)) {
      throw parameters.refused("truncate", "the range of yarn is truncated here");
    }
    int original = originalContext();
    double factor =
        parameters.positive("factor", (double) keys.size("max_position_embeddings") / original);
    double scale = parameters.positive("mscale", 0);
    double scaleOfAll = parameters.positive("mscale_all_dim", 0);
    double computed =
        scale > 0 && scaleOfAll > 0
            ? attention(factor, scale) / attention(factor, scaleOfAll)
            : attention(factor, 1);
    return new RopeConfig.Yarn(
        factor,
        original,
        parameters.positive("beta_fast", BETA_FAST),
        parameters.positive("beta_slow", BETA_SLOW),
        parameters.positive("attention_factor", computed));
  }

  private int originalContext() {
    String key = "original_max_position_embeddings";
    return parameters.has(key) ? parameters.size(key) : keys.size(key, "max_position_embeddings");
  }

  /** Peng et al. 2023, equation 22, with the factor that DeepSeek added. */
  private static double attention(double factor, double scale) {
    return factor <= 1 ? 1 : 0.1 * scale * Math.log(factor) + 1;
  }
}
