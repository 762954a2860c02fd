package org.sparkao.jobs.calibrate;

import java.util.List;
import java.util.Locale;
import org.sparkao.gpu.model.Arithmetic;
import org.sparkao.jobs.config.ConfigKey;
import org.sparkao.jobs.gpu.DeviceRequest;
import org.sparkao.jobs.quantize.QuantizeKeys;
import org.sparkao.quant.scheme.QuantScheme;
import org.sparkao.quant.scheme.Schemes;

/** What {@code calibrate} can be told. */
final class CalibrateKeys {
  static final ConfigKey<String> CHECKPOINT =
      ConfigKey.text(
          "checkpoint",
          "URI",
          "Folder of the checkpoint, or one .safetensors or .gguf file; hf:// too (conf/storage.md).");
  static final ConfigKey<String> DATA =
      ConfigKey.text(
          "data",
          "URI",
          "Text: a plain text, JSON lines (.jsonl) or Parquet (.parquet), or a folder of these. All"
              + " texts are joined and cut into sequences; rows of tokens (column token_ids, as"
              + " generate writes them) are cut each by itself.");
  static final ConfigKey<String> TEXT_COLUMN =
      ConfigKey.text("text-column", "NAME", "Column of texts in JSON lines and Parquet.")
          .withDefault("text");
  static final ConfigKey<Integer> SAMPLES =
      ConfigKey.value("samples", "N", "Sequences.", text -> number(text, 1)).withDefault("128");
  static final ConfigKey<Integer> SEQUENCE_LENGTH =
      ConfigKey.value("sequence-length", "N", "Tokens of a sequence.", text -> number(text, 2))
          .withDefault("512");
  static final ConfigKey<String> OUTPUT =
      ConfigKey.output("output", "URI", "Folder to write; new, or of the same calibration.");
  static final ConfigKey<Boolean> HESSIAN =
      ConfigKey.flag(
          "hessian", "Keeps the mean of x x^T of every input, which GPTQ reads; 4 K^2 bytes each.");
  static final ConfigKey<QuantScheme> SEQUENTIAL =
      ConfigKey.value(
          "sequential",
          "SCHEME",
          "Quantizes the layers by gptq as it goes, so that each layer is calibrated with what the"
              + " quantized ones before it give; for quantize --algorithm gptq with this scheme and"
              + " the same --rule, --skip and options of gptq. Keeps Hessians.",
          Schemes::parse);
  static final ConfigKey<Boolean> KV_CACHE =
      ConfigKey.flag("kv-cache", "Keeps the largest keys and values of every head.");
  static final ConfigKey<Integer> EXPERT_TOKENS =
      ConfigKey.value(
              "expert-tokens",
              "N",
              "Tokens that each expert must see. Of a group of sequences in which the router sends"
                  + " it fewer than the group's share of N, it is shown all tokens; the table says"
                  + " which, and how many. 0: only what the router sends.",
              text -> number(text, 0))
          .withDefault("128");
  static final ConfigKey<Integer> GROUPS =
      ConfigKey.value(
              "groups",
              "N",
              "Groups of sequences, in whose order sums are rounded: as many tasks can share the"
                  + " work. Results depend on it in the last bits, and on nothing else.",
              text -> number(text, 1))
          .withDefault("16");
  static final ConfigKey<Integer> PARTITIONS =
      ConfigKey.value(
          "partitions",
          "N",
          "Tasks of the Spark job; when not given one an executor, in local mode one a GPU. Results"
              + " do not depend on it. Those of --sequential are as many as run at the same time,"
              + " at most.",
          text -> number(text, 1));
  static final ConfigKey<DeviceRequest> DEVICE =
      ConfigKey.choice(
              "device",
              DeviceRequest.class,
              DeviceRequest::configName,
              "What runs the model and makes statistics; auto takes GPUs where all executors have"
                  + " one (conf/gpu.md).")
          .withDefault("auto");
  static final ConfigKey<Arithmetic> ARITHMETIC =
      ConfigKey.choice(
          "arithmetic",
          Arithmetic.class,
          arithmetic -> arithmetic.name().toLowerCase(Locale.ROOT),
          "What numbers between layers are rounded to; fp32 on the processor and bf16 on GPUs when"
              + " not given.");
  static final ConfigKey<Boolean> DRY_RUN =
      ConfigKey.flag("dry-run", "Checks everything, prints the plan, computes nothing.");

  /** Keys that say something about {@link #SEQUENTIAL} alone. */
  static final List<ConfigKey<?>> OF_SEQUENTIAL =
      List.of(
          QuantizeKeys.RULE,
          QuantizeKeys.SKIP,
          QuantizeKeys.ACT_ORDER,
          QuantizeKeys.DAMPING,
          QuantizeKeys.SCALE_SEARCH);

  private CalibrateKeys() {}

  static List<ConfigKey<?>> all() {
    return List.of(
        CHECKPOINT,
        DATA,
        TEXT_COLUMN,
        SAMPLES,
        SEQUENCE_LENGTH,
        OUTPUT,
        HESSIAN,
        SEQUENTIAL,
        QuantizeKeys.RULE,
        QuantizeKeys.SKIP,
        QuantizeKeys.ACT_ORDER,
        QuantizeKeys.DAMPING,
        QuantizeKeys.SCALE_SEARCH,
        KV_CACHE,
        EXPERT_TOKENS,
        GROUPS,
        PARTITIONS,
        DEVICE,
        ARITHMETIC,
        DRY_RUN);
  }

  private static int number(String text, int least) {
    int number;
    try {
      number = Integer.parseInt(text);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException("use a whole number", e);
    }
    if (number < least) {
      throw new IllegalArgumentException("use " + least + " or more");
    }
    return number;
  }
}
