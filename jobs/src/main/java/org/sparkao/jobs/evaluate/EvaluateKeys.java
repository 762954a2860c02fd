package org.sparkao.jobs.evaluate;

import java.util.List;
import java.util.Locale;
import org.sparkao.gpu.layer.KvCache;
import org.sparkao.gpu.model.Arithmetic;
import org.sparkao.gpu.model.cuda.CudaModelOptions.TableFormat;
import org.sparkao.jobs.config.ByteSize;
import org.sparkao.jobs.config.ConfigKey;
import org.sparkao.jobs.evaluate.plan.TooLong;
import org.sparkao.jobs.evaluate.run.ModelForm;
import org.sparkao.jobs.gpu.DeviceRequest;

/** What {@code evaluate} can be told. */
final class EvaluateKeys {
  static final ConfigKey<String> CHECKPOINT =
      ConfigKey.text(
          "checkpoint",
          "URI",
          "Folder of the checkpoint, or one .safetensors or .gguf file; hf:// too (conf/storage.md).");
  static final ConfigKey<List<String>> TASKS =
      ConfigKey.value(
          "tasks",
          "NAME[,NAME]",
          "Tasks by name, or YAML files of one's own (datasets/README.md).",
          text -> List.of(text.split("\\s*,\\s*")));
  static final ConfigKey<String> DATA =
      ConfigKey.text("data", "URI", "Folder of the tasks' data files.");
  static final ConfigKey<Integer> LIMIT =
      ConfigKey.value("limit", "N", "Only the first N items of each task.", EvaluateKeys::count);
  static final ConfigKey<Integer> NUM_FEWSHOT =
      ConfigKey.value(
          "num-fewshot",
          "N",
          "Examples before each question; the task's own number when not given.",
          text -> number(text, 0));
  static final ConfigKey<Boolean> CHAT_TEMPLATE =
      ConfigKey.flag("chat-template", "Asks in the form of the checkpoint's chat template.");
  static final ConfigKey<String> SYSTEM_PROMPT =
      ConfigKey.text("system-prompt", "TEXT", "Stands before the task's description.");
  static final ConfigKey<Integer> MAX_LENGTH =
      ConfigKey.value(
          "max-length",
          "N",
          "Most tokens that the model reads of a sequence; the model's context when not given.",
          EvaluateKeys::length);
  static final ConfigKey<TooLong> TOO_LONG =
      ConfigKey.choice(
              "too-long",
              TooLong.class,
              TooLong::configName,
              "Items longer than that: cut on the left, counted and stored, or refused.")
          .withDefault("truncate");
  static final ConfigKey<DeviceRequest> DEVICE =
      ConfigKey.choice(
              "device",
              DeviceRequest.class,
              DeviceRequest::configName,
              "What computes; auto takes GPUs where all executors have one (conf/gpu.md).")
          .withDefault("auto");
  static final ConfigKey<Arithmetic> ARITHMETIC =
      ConfigKey.choice(
          "arithmetic",
          Arithmetic.class,
          arithmetic -> arithmetic.name().toLowerCase(Locale.ROOT),
          "What numbers between layers are rounded to; fp32 on the processor and bf16 on GPUs when"
              + " not given.");
  static final ConfigKey<KvCache.Type> KV_CACHE =
      ConfigKey.choice(
              "kv-cache",
              KvCache.Type.class,
              type -> type.name().toLowerCase(Locale.ROOT),
              "What keys and values are stored as while texts are generated; scoring has no cache.")
          .withDefault("bf16");
  static final ConfigKey<TableFormat> HEAD = table("head", "The output head");
  static final ConfigKey<TableFormat> EMBEDDING = table("embedding", "The embedding table");
  static final ConfigKey<Integer> BATCH_TOKENS =
      ConfigKey.value(
          "batch-tokens",
          "N",
          "Tokens that are computed together; 8192 on the processor when not given, and 65536 on"
              + " GPUs, which take less when the model needs the memory. Results do not depend on"
              + " it.",
          EvaluateKeys::length);
  static final ConfigKey<Integer> PARTITIONS =
      ConfigKey.value(
          "partitions",
          "N",
          "Tasks of the Spark job; by the executors' slots when not given. Results do not depend on"
              + " it.",
          EvaluateKeys::count);
  static final ConfigKey<Long> MEMORY =
      ConfigKey.value(
          "memory",
          "SIZE",
          "Most memory of the model on a device; all there is when not given.",
          ByteSize::parse);
  static final ConfigKey<Boolean> STORE_LOGITS =
      ConfigKey.flag(
          "store-logits",
          "Keeps the log-softmax of every scored token in logits/ beside the tables, for --base;"
              + " the plan says how large.");
  static final ConfigKey<String> BASE =
      ConfigKey.text(
          "base",
          "RUN",
          "A run with stored logits of the same items: adds kl_divergence and top1_agreement.");
  static final ConfigKey<String> OUTPUT =
      ConfigKey.output(
          "output", "FILE", "Results as JSON in the form of lm-evaluation-harness as well.");
  static final ConfigKey<Boolean> DRY_RUN =
      ConfigKey.flag("dry-run", "Checks everything, prints the plan, computes nothing.");

  private EvaluateKeys() {}

  static List<ConfigKey<?>> all() {
    return List.of(
        CHECKPOINT,
        TASKS,
        DATA,
        LIMIT,
        NUM_FEWSHOT,
        CHAT_TEMPLATE,
        SYSTEM_PROMPT,
        MAX_LENGTH,
        TOO_LONG,
        DEVICE,
        ARITHMETIC,
        KV_CACHE,
        HEAD,
        EMBEDDING,
        BATCH_TOKENS,
        PARTITIONS,
        MEMORY,
        STORE_LOGITS,
        BASE,
        OUTPUT,
        DRY_RUN);
  }

  private static ConfigKey<TableFormat> table(String name, String what) {
    return ConfigKey.choice(
            name,
            TableFormat.class,
            ModelForm::name,
            what + " as the checkpoint has it, or quantized when it is loaded (bf16 on a GPU).")
        .withDefault("as-stored");
  }

  private static int count(String text) {
    return number(text, 1);
  }

  private static int length(String text) {
    return number(text, 2);
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
