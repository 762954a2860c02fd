package org.sparkao.jobs.generate;

import java.util.List;
import java.util.Locale;
import java.util.function.DoublePredicate;
import org.sparkao.gpu.layer.KvCache;
import org.sparkao.gpu.layer.SamplingRule;
import org.sparkao.jobs.config.ByteSize;
import org.sparkao.jobs.config.ConfigKey;
import org.sparkao.jobs.gpu.DeviceRequest;

/** What {@code generate} can be told. */
final class GenerateKeys {
  static final ConfigKey<String> CHECKPOINT =
      ConfigKey.text(
          "checkpoint",
          "URI",
          "Folder of the checkpoint, or one .safetensors or .gguf file; hf:// too (conf/storage.md).");
  static final ConfigKey<String> PROMPTS =
      ConfigKey.text(
          "prompts",
          "URI",
          "Texts whose first tokens begin the samples: lines of a text file, or a column of .jsonl"
              + " or .parquet. Without it a sample begins with a random token that is not special"
              + " (LLM-QAT).");
  static final ConfigKey<String> PROMPT_COLUMN =
      ConfigKey.text("prompt-column", "NAME", "Where .jsonl and .parquet have the text.")
          .withDefault("text");
  static final ConfigKey<Integer> PROMPT_TOKENS =
      ConfigKey.value(
              "prompt-tokens",
              "K",
              "How many tokens of a text begin a sample; shorter texts are left out.",
              text -> number(text, 1))
          .withDefault("8");
  static final ConfigKey<Integer> SAMPLES =
      ConfigKey.value("samples", "N", "How many texts.", text -> number(text, 1));
  static final ConfigKey<Integer> SEQUENCE_LENGTH =
      ConfigKey.value(
          "sequence-length",
          "L",
          "Most tokens of a sample, the prompt's included.",
          text -> number(text, 2));
  static final ConfigKey<Integer> MIN_LENGTH =
      ConfigKey.value(
              "min-length",
              "L",
              "Before so many tokens no sample ends: end tokens are not drawn.",
              text -> number(text, 0))
          .withDefault("0");
  static final ConfigKey<Boolean> IGNORE_END =
      ConfigKey.flag("ignore-end", "Samples go on behind end tokens, to the full length.");
  static final ConfigKey<Long> SEED =
      ConfigKey.value(
              "seed",
              "S",
              "Of prompts and tokens; the same seed gives the same samples however they are"
                  + " distributed.",
              GenerateKeys::seed)
          .withDefault("0");
  static final ConfigKey<Double> TEMPERATURE =
      ConfigKey.value(
              "temperature",
              "T",
              "Divides the logits; 0 takes the likeliest token.",
              text ->
                  decimal(
                      text,
                      t -> t == 0 || t >= SamplingRule.LEAST_TEMPERATURE && t <= 1000,
                      "use 0, or 0.001 to 1000"))
          .withDefault("1");
  static final ConfigKey<Integer> TOP_K =
      ConfigKey.value(
              "top-k",
              "K",
              "Tokens are drawn from the K likeliest; 0: from all.",
              text -> number(text, 0))
          .withDefault("0");
  static final ConfigKey<Double> TOP_P =
      ConfigKey.value(
              "top-p",
              "P",
              "Tokens are drawn from the likeliest whose probabilities together reach P.",
              text -> decimal(text, p -> p > 0 && p <= 1, "use more than 0, at most 1"))
          .withDefault("1");
  static final ConfigKey<Integer> GREEDY_TOKENS =
      ConfigKey.value(
              "greedy-tokens",
              "N",
              "The first N new tokens are the likeliest ones; LLM-QAT takes 3 to 5.",
              text -> number(text, 0))
          .withDefault("0");
  static final ConfigKey<String> OUTPUT =
      ConfigKey.output("output", "URI", "Folder of the Parquet files; column token_ids is data.");
  static final ConfigKey<DeviceRequest> DEVICE =
      ConfigKey.choice(
              "device",
              DeviceRequest.class,
              DeviceRequest::configName,
              "What computes: bf16 on GPUs, fp32 on the processor (conf/gpu.md).")
          .withDefault("auto");
  static final ConfigKey<Integer> BATCH =
      ConfigKey.value(
          "batch",
          "N",
          "Sequences that are continued at a time; 4096 on GPUs and 64 on the processor when not"
              + " given, fewer where memory ends. Samples do not depend on it.",
          text -> number(text, 1));
  static final ConfigKey<Integer> PARTITIONS =
      ConfigKey.value(
          "partitions",
          "N",
          "Files, and tasks of the Spark job; by batches and executors when not given. Samples do"
              + " not depend on it.",
          text -> number(text, 1));
  static final ConfigKey<Long> MEMORY =
      ConfigKey.value(
          "memory",
          "SIZE",
          "Most memory of the model on a device, keys and values included; all there is when not"
              + " given.",
          ByteSize::parse);
  static final ConfigKey<KvCache.Type> KV_CACHE =
      ConfigKey.choice(
              "kv-cache",
              KvCache.Type.class,
              type -> type.name().toLowerCase(Locale.ROOT),
              "What keys and values are stored as; the samples depend on it. fp32 on the processor"
                  + " alone.")
          .withDefault("bf16");
  static final ConfigKey<Boolean> DRY_RUN =
      ConfigKey.flag("dry-run", "Checks everything, prints the plan, computes nothing.");

  private GenerateKeys() {}

  static List<ConfigKey<?>> all() {
    return List.of(
        CHECKPOINT,
        PROMPTS,
        PROMPT_COLUMN,
        PROMPT_TOKENS,
        SAMPLES,
        SEQUENCE_LENGTH,
        MIN_LENGTH,
        IGNORE_END,
        SEED,
        TEMPERATURE,
        TOP_K,
        TOP_P,
        GREEDY_TOKENS,
        OUTPUT,
        DEVICE,
        BATCH,
        PARTITIONS,
        MEMORY,
        KV_CACHE,
        DRY_RUN);
  }

  private static long seed(String text) {
    try {
      return Long.parseLong(text);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException("use a whole number of 64 bits", e);
    }
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

  private static double decimal(String text, DoublePredicate range, String wayOut) {
    double number;
    try {
      number = Double.parseDouble(text);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(wayOut, e);
    }
    if (!range.test(number)) {
      throw new IllegalArgumentException(wayOut);
    }
    return number;
  }
}
