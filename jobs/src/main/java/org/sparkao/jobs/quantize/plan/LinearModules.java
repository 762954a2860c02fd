package org.sparkao.jobs.quantize.plan;

import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Which weights are linear layers, and which of those loaders want unquantized, by name. Names are
 * all that a checkpoint tells: the lists below are those of the models that vLLM and transformers
 * load.
 */
public final class LinearModules {
  private static final String WEIGHT = ".weight";

  /** Not the projections out of an embedding, such as {@code embed_vision.embedding_projection}. */
  private static final Pattern EMBEDDING =
      Pattern.compile("(^|\\.)((?!\\w*proj)\\w*embed\\w*|wte|wpe|relative_attention_bias)$");

  private static final Pattern NORM = Pattern.compile("(^|\\.)\\w*(norm|ln_\\w+|layernorm)\\w*$");
  private static final Pattern CONVOLUTION = Pattern.compile("(^|\\.)\\w*conv\\w*$");

  /** {@code head} under DeepSeek's {@code shared_head}; score and classifier of a whole model. */
  private static final Pattern HEAD =
      Pattern.compile(
          "(?:^|\\.)(?<name>lm_head|embed_out|output|output_layer|(?<=shared_head\\.)head)$"
              + "|^(?<whole>head|score|classifier)$");

  private static final Pattern ROUTER =
      Pattern.compile(
          "(?:^|\\.)(?<name>gate|router|wg|shared_expert_gate)(?:\\.(?:weight|classifier|layer))?$");
  private static final Pattern VISION =
      Pattern.compile(
          "(?:^|\\.)(?<name>vision_tower|vision_model|vision_encoder|visual|image_encoder"
              + "|vision_embed\\w*|embed_vision|embed_audio|audio_tower|speech_encoder"
              + "|multi_modal_projector|mm_projector)\\.");
  private static final Pattern LAYER = Pattern.compile("(?:^|\\.)(?:layers|h|blocks)\\.(\\d+)\\.");

  /** Layers that loaders put side by side into one matrix. */
  private static final List<List<String>> FUSED =
      List.of(
          List.of("q_proj", "k_proj", "v_proj"),
          List.of("gate_proj", "up_proj"),
          List.of("q_a_proj", "kv_a_proj_with_mqa"),
          List.of("w1", "w3"));

  private LinearModules() {}

  /** What a tensor is. */
  public enum Kind {
    /** Quantized unless a rule says otherwise. */
    LINEAR(""),
    /** A linear layer that stays as it is unless a rule spells its name. */
    HEAD("output head"),
    ROUTER("router of experts"),
    VISION("vision or audio tower"),
    /** Linear layers on a third axis, of which only those of {@link FusedExperts} are known. */
    STACKED("several layers in one tensor, of a name that is not taken apart"),
    /** No linear layer. */
    EMBEDDING("embedding"),
    NORM("norm"),
    CONVOLUTION("convolution"),
    OTHER("not the weight of a linear layer");

    private final String reason;

    Kind(String reason) {
      this.reason = reason;
    }

    /** Why it is copied, as the tables say it. */
    public String reason() {
      return reason;
    }

    /** Whether loaders see a linear layer, which belongs on the ignore list when it is copied. */
    public boolean linear() {
      return this == LINEAR || guarded() || this == STACKED;
    }

    /** Whether a rule must spell the name of such a layer to quantize it. */
    boolean guarded() {
      return this == HEAD || this == ROUTER || this == VISION;
    }
  }

  /** What the tensor {@code name} of {@code dimensions} axes is. */
  public static Kind kind(String name, int dimensions) {
    if (!name.endsWith(WEIGHT) || dimensions < 2) {
      return NORM.matcher(module(name)).find() ? Kind.NORM : Kind.OTHER;
    }
    String module = module(name);
    boolean head = HEAD.matcher(module).find();
    if (!head && EMBEDDING.matcher(module).find()) {
      return Kind.EMBEDDING;
    }
    if (dimensions > 3 || CONVOLUTION.matcher(module).find()) {
      return Kind.CONVOLUTION;
    }
    if (dimensions == 3) {
      return Kind.STACKED;
    }
    if (VISION.matcher(module).find()) {
      return Kind.VISION;
    }
    if (head) {
      return Kind.HEAD;
    }
    return ROUTER.matcher(module).find() ? Kind.ROUTER : Kind.LINEAR;
  }

  /**
   * The word that a rule must spell to quantize a head, a router or a layer of a tower: {@code
   * lm_head}, {@code gate}, {@code vision_tower}. Empty for other modules.
   */
  static Optional<String> guardedName(String module) {
    return Stream.of(VISION, HEAD, ROUTER)
        .map(pattern -> pattern.matcher(module))
        .filter(Matcher::find)
        .map(LinearModules::foundName)
        .findFirst();
  }

  /** Whether the name is that of an output head. */
  static boolean head(String module) {
    return HEAD.matcher(module).find();
  }

  private static String foundName(Matcher found) {
    String name = found.group("name");
    return name == null ? found.group("whole") : name;
  }

  /** The name without {@code .weight}, or as it is. */
  public static String module(String tensor) {
    return tensor.endsWith(WEIGHT)
        ? tensor.substring(0, tensor.length() - WEIGHT.length())
        : tensor;
  }

  /** The number of the layer that a tensor belongs to. */
  public static Optional<Long> layer(String tensor) {
    Matcher layer = LAYER.matcher(tensor);
    return layer.find() && layer.group(1).length() < 10
        ? Optional.of(Long.valueOf(layer.group(1)))
        : Optional.empty();
  }

  /**
   * The name that a module shares with those that loaders fuse with it, such as {@code
   * model.layers.0.self_attn.[q_proj, k_proj, v_proj]}; empty for a module that stands alone.
   */
  public static Optional<String> fusedGroup(String module) {
    int dot = module.lastIndexOf('.');
    String last = module.substring(dot + 1);
    return FUSED.stream()
        .filter(group -> group.contains(last))
        .findFirst()
        .map(group -> module.substring(0, dot + 1) + group);
  }
}
