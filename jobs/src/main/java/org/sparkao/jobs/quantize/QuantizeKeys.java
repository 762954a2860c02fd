package org.sparkao.jobs.quantize;

import java.util.List;
import java.util.Set;
import org.sparkao.jobs.config.ByteSize;
import org.sparkao.jobs.config.ConfigKey;
import org.sparkao.jobs.gpu.DeviceRequest;
import org.sparkao.jobs.quantize.plan.NonFinitePolicy;
import org.sparkao.jobs.quantize.plan.Rule;
import org.sparkao.jobs.quantize.plan.ScaleSearch;
import org.sparkao.quant.algorithm.WeightAlgorithm;
import org.sparkao.quant.calibrated.ActOrder;
import org.sparkao.quant.calibrated.AwqSearch.DuoScaling;
import org.sparkao.quant.prune.PruneAlgorithm;
import org.sparkao.quant.prune.SparsityPattern;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.QuantScheme;
import org.sparkao.quant.scheme.Schemes;

/** What {@code quantize} can be told, and in part other jobs that quantize. */
public final class QuantizeKeys {
  static final ConfigKey<String> CHECKPOINT =
      ConfigKey.text(
          "checkpoint",
          "URI",
          "Folder of the checkpoint, or one .safetensors or .gguf file; hf:// too (conf/storage.md).");
  static final ConfigKey<String> OUTPUT =
      ConfigKey.output("output", "URI", "Folder to write; new, or of the same run.");
  static final ConfigKey<QuantScheme> SCHEME =
      ConfigKey.value(
          "scheme",
          "NAME",
          "Scheme of every linear layer that no rule names, such as W4A16 or"
              + " W4A16(group_size=64).",
          Schemes::parse);

  /** Schemes of some modules. */
  public static final ConfigKey<Rule> RULE =
      ConfigKey.list(
          "rule",
          "REGEX=SCHEME",
          "Scheme, or skip, of the modules in whose name REGEX is found; the first match wins."
              + " Output heads, routers and vision or audio towers get a scheme only from a REGEX"
              + " that spells their name, such as lm_head, gate or vision_tower. May be repeated.",
          Rule::parse);

  /** Modules to leave as they are. */
  public static final ConfigKey<Rule> SKIP =
      ConfigKey.list(
          "skip",
          "REGEX",
          "Modules to leave as they are; comes before every rule. May be repeated.",
          Rule::skip);

  static final ConfigKey<String> COMPONENT =
      ConfigKey.list(
          "component",
          "NAME",
          "Component of a diffusion pipeline (a folder with model_index.json) to quantize, such as"
              + " transformer; the others are copied. May be repeated.",
          text -> text);
  static final ConfigKey<WeightAlgorithm> ALGORITHM =
      ConfigKey.choice(
              "algorithm",
              WeightAlgorithm.class,
              WeightAlgorithm::configName,
              "How ranges and codes are chosen.")
          .withDefault("rtn");
  static final ConfigKey<String> CALIBRATION =
      ConfigKey.text(
          "calibration",
          "URI",
          "Folder that calibrate wrote, for algorithms that look at inputs (gptq, awq, smoothquant,"
              + " imatrix, wanda, sparsegpt) and to weight the errors of --budget. For others a safetensors file with"
              + " MODULE.input_scale (FP8) or MODULE.input_global_scale (NVFP4), taken as they"
              + " are.");

  /** Order of columns in gptq. */
  public static final ConfigKey<ActOrder> ACT_ORDER =
      ConfigKey.choice(
              "act-order",
              ActOrder.class,
              ActOrder::configName,
              "Order of the columns in gptq: from left to right, or the largest inputs first; then"
                  + " groups of scales stay where they are (static), or follow (group).")
          .withDefault("static");

  /** Damping of gptq. */
  public static final ConfigKey<Double> DAMPING =
      ConfigKey.value(
              "damping",
              "SHARE",
              "What gptq and sparsegpt add to the diagonal of the Hessian, as a share of its mean.",
              text -> share(text, 1))
          .withDefault("0.01");

  /** How gptq finds scales. */
  public static final ConfigKey<ScaleSearch> SCALE_SEARCH =
      ConfigKey.choice(
              "scale-search",
              ScaleSearch.class,
              ScaleSearch::configName,
              "How gptq finds scales before it chooses codes: from the whole range, or as the"
                  + " algorithms mse and imatrix do.")
          .withDefault("range");

  static final ConfigKey<Double> STRENGTH =
      ConfigKey.value(
              "smoothing-strength",
              "SHARE",
              "How much of the range of inputs smoothquant hands to the weights, above 0 and up to"
                  + " 1.",
              text -> share(text, 1))
          .withDefault("0.5");
  static final ConfigKey<DuoScaling> DUO_SCALING =
      ConfigKey.choice(
              "duo-scaling",
              DuoScaling.class,
              DuoScaling::configName,
              "Whether weights have a say in the scales that awq tries.")
          .withDefault("on");
  static final ConfigKey<SparsityPattern> SPARSITY =
      ConfigKey.value(
              "sparsity",
              "2:4|4:8|SHARE",
              "Zeros among the weights of linear layers, saved like all others: two of every four"
                  + " neighbours, four of every eight, or a share such as 0.5. Before codes are"
                  + " chosen; without --scheme weights stay as they are otherwise.",
              SparsityPattern::parse)
          .withDefault("none");
  static final ConfigKey<PruneAlgorithm> SPARSITY_ALGORITHM =
      ConfigKey.choice(
              "sparsity-algorithm",
              PruneAlgorithm.class,
              PruneAlgorithm::configName,
              "How zeros are chosen: the smallest weights, those of the smallest products with"
                  + " inputs, or those for which other weights make up best; the latter two need"
                  + " --calibration, sparsegpt one with --hessian.")
          .withDefault("magnitude");
  static final ConfigKey<String> SCALES =
      ConfigKey.text(
          "scales",
          "FILE",
          "Scales that training learned, taken as they are; without it the"
              + " qat_scales.safetensors beside the checkpoint, if there is one; none computes all"
              + " scales.");
  static final ConfigKey<Double> BUDGET =
      ConfigKey.value(
          "budget",
          "BITS_PER_WEIGHT",
          "Chooses a scheme of --budget-schemes for every layer that no rule names: the least"
              + " error, as earlier runs stored it, within these bits a weight, scales and all.",
          QuantizeKeys::bits);
  static final ConfigKey<QuantScheme> BUDGET_SCHEMES =
      ConfigKey.list(
          "budget-schemes", "NAME", "A scheme that --budget may choose. Repeated.", Schemes::parse);
  static final ConfigKey<String> BUDGET_RULES =
      ConfigKey.text(
          "budget-rules",
          "FILE",
          "New file for the choice of --budget, which --config reads and a person may edit; also"
              + " written by a dry run.");
  static final ConfigKey<Numerics> NUMERICS =
      ConfigKey.choice(
              "numerics", Numerics.class, Numerics::configName, "Whose arithmetic, to the bit.")
          .withDefault("compressed-tensors");
  static final ConfigKey<CheckpointLayout> LAYOUT =
      ConfigKey.choice(
              "layout",
              CheckpointLayout.class,
              CheckpointLayout::configName,
              "Names and types of the tensors, and the form of quantization_config.")
          .withDefault("compressed-tensors");
  static final ConfigKey<Long> MAX_SHARD_SIZE =
      ConfigKey.value(
              "max-shard-size",
              "SIZE",
              "Longest file of the output; small checkpoints get files of 256 MiB all the same.",
              ByteSize::parse)
          .withDefault("5GB");
  static final ConfigKey<NonFinitePolicy> NON_FINITE =
      ConfigKey.choice(
              "non-finite",
              NonFinitePolicy.class,
              NonFinitePolicy::configName,
              "NaN and infinite values, of copied tensors too: keep and count them, or fail and"
                  + " remove the output.")
          .withDefault("keep");
  static final ConfigKey<DeviceRequest> DEVICE =
      ConfigKey.choice(
              "device",
              DeviceRequest.class,
              DeviceRequest::configName,
              "What computes; auto takes GPUs where all executors have one (conf/gpu.md).")
          .withDefault("auto");
  static final ConfigKey<Boolean> DRY_RUN =
      ConfigKey.flag("dry-run", "Checks everything, prints the plan, writes nothing.");

  /** Names of the keys that decide what the output holds. */
  static final Set<String> RECIPE =
      Set.of(
          CHECKPOINT.name(),
          SCHEME.name(),
          RULE.name(),
          SKIP.name(),
          ALGORITHM.name(),
          CALIBRATION.name(),
          ACT_ORDER.name(),
          DAMPING.name(),
          SCALE_SEARCH.name(),
          STRENGTH.name(),
          DUO_SCALING.name(),
          SPARSITY.name(),
          SPARSITY_ALGORITHM.name(),
          SCALES.name(),
          BUDGET.name(),
          BUDGET_SCHEMES.name(),
          NUMERICS.name(),
          LAYOUT.name(),
          MAX_SHARD_SIZE.name(),
          NON_FINITE.name());

  private QuantizeKeys() {}

  private static double share(String text, double most) {
    double value = Double.parseDouble(text);
    if (!(value > 0 && value <= most)) {
      throw new IllegalArgumentException(text + " is not above 0 and up to " + most);
    }
    return value;
  }

  private static double bits(String text) {
    double bits = Double.parseDouble(text);
    if (!(bits > 0 && bits <= 32)) {
      throw new IllegalArgumentException("between 0 and 32, such as 4.5");
    }
    return bits;
  }

  static List<ConfigKey<?>> all() {
    return List.of(
        CHECKPOINT,
        OUTPUT,
        SCHEME,
        RULE,
        SKIP,
        COMPONENT,
        ALGORITHM,
        CALIBRATION,
        ACT_ORDER,
        DAMPING,
        SCALE_SEARCH,
        STRENGTH,
        DUO_SCALING,
        SPARSITY,
        SPARSITY_ALGORITHM,
        SCALES,
        BUDGET,
        BUDGET_SCHEMES,
        BUDGET_RULES,
        NUMERICS,
        LAYOUT,
        MAX_SHARD_SIZE,
        NON_FINITE,
        DEVICE,
        DRY_RUN);
  }
}
