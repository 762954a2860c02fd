package org.sparkao.jobs.export;

import java.util.List;
import org.sparkao.jobs.config.ByteSize;
import org.sparkao.jobs.config.ConfigKey;
import org.sparkao.jobs.export.plan.GgufRecipe;

/** What {@code export} can be told. */
final class ExportKeys {
  /** File formats that are written. */
  enum Format {
    GGUF
  }

  static final ConfigKey<String> CHECKPOINT =
      ConfigKey.text(
          "checkpoint",
          "URI",
          "Folder of the checkpoint, or one .safetensors or .gguf file; hf:// too (conf/storage.md).");
  static final ConfigKey<String> OUTPUT = ConfigKey.output("output", "URI", "File to write; new.");
  static final ConfigKey<Format> FORMAT =
      ConfigKey.choice(
              "format", Format.class, format -> "gguf", "Format of the file, that of llama.cpp.")
          .withDefault("gguf");
  static final ConfigKey<GgufRecipe> TYPE =
      ConfigKey.value(
          "type",
          "NAME",
          "F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q2_K, Q3_K_S, Q3_K_M, Q4_K_S, Q4_K_M,"
              + " Q5_K_S, Q5_K_M, Q6_K, IQ4_NL, IQ4_XS or TQ2_0, with the same mixture of types as"
              + " llama-quantize makes.",
          GgufRecipe::parse);
  static final ConfigKey<Boolean> PURE =
      ConfigKey.flag("pure", "All matrices get the type that --type names, none gets more bits.");
  static final ConfigKey<String> NAME =
      ConfigKey.text(
          "name", "TEXT", "Name of the model in the file; that of its folder if left out.");
  static final ConfigKey<String> IMATRIX =
      ConfigKey.text(
          "imatrix",
          "URI",
          "Importance of columns, by which errors are weighted: the folder that calibrate wrote, or"
              + " a GGUF file of llama-imatrix.");
  static final ConfigKey<Long> SPLIT_SIZE =
      ConfigKey.value(
          "split-size",
          "SIZE",
          "Most bytes of tensors in a file: a larger model becomes llama.cpp's numbered files,"
              + " model-00001-of-00003.gguf for --output model.gguf.",
          ByteSize::parse);
  static final ConfigKey<Boolean> DRY_RUN =
      ConfigKey.flag("dry-run", "Prints the plan, made from headers alone, and ends.");

  private ExportKeys() {}

  static List<ConfigKey<?>> all() {
    return List.of(CHECKPOINT, OUTPUT, FORMAT, TYPE, PURE, NAME, IMATRIX, SPLIT_SIZE, DRY_RUN);
  }
}
