package org.sparkao.jobs.bench;

import java.util.Locale;
import java.util.Optional;
import org.sparkao.gpu.layer.KvCache;
import org.sparkao.gpu.model.cuda.CudaModelOptions.TableFormat;
import org.sparkao.jobs.config.ConfigKey;
import org.sparkao.quant.scheme.QuantScheme;
import org.sparkao.quant.scheme.Schemes;

/** What {@code bench decode} and {@code bench prefill} can be told beside the common keys. */
final class ModelKeys {
  static final String BF16 = "bf16";

  static final ConfigKey<Optional<QuantScheme>> WEIGHTS =
      ConfigKey.list(
          "weights",
          BF16 + "|NAME",
          "decode and prefill: bf16, or the scheme of all linear layers but the head; may be"
              + " repeated. bf16, FP8_DYNAMIC and W4A16 when none is given.",
          ModelKeys::weights);
  static final ConfigKey<Integer> BATCH =
      ConfigKey.list(
          "batch",
          "N",
          "decode and prefill: sequences at a time; may be repeated. 1 and 16 for decode, 32 for"
              + " prefill when none is given.",
          BenchKeys::length);
  static final ConfigKey<KvCache.Type> KV_CACHE =
      ConfigKey.choice(
              "kv-cache",
              KvCache.Type.class,
              type -> type.name().toLowerCase(Locale.ROOT),
              "decode: what keys and values are stored as.")
          .withDefault(BF16);
  static final ConfigKey<TableFormat> HEAD = table("head", "the output head is kept as.");
  static final ConfigKey<TableFormat> EMBEDDING =
      table("embedding", "the embedding table is kept as.");

  private ModelKeys() {}

  private static ConfigKey<TableFormat> table(String name, String what) {
    return ConfigKey.choice(
            name, TableFormat.class, ModelKeys::tableName, "decode and prefill: what " + what)
        .withDefault(BF16);
  }

  static String tableName(TableFormat format) {
    return format == TableFormat.AS_STORED ? BF16 : format.name().toLowerCase(Locale.ROOT);
  }

  private static Optional<QuantScheme> weights(String text) {
    return text.equals(BF16) ? Optional.empty() : Optional.of(Schemes.parse(text));
  }
}
