package org.sparkao.jobs.verify;

import java.util.List;
import org.sparkao.jobs.config.ConfigKey;

/** What {@code verify} can be told. */
final class VerifyKeys {
  static final ConfigKey<String> CHECKPOINT =
      ConfigKey.text(
          "checkpoint",
          "URI",
          "Folder of the checkpoint, or one .safetensors or .gguf file; hf:// too (conf/storage.md).");
  static final ConfigKey<Integer> TENSOR_PARALLEL =
      ConfigKey.value(
              "tensor-parallel",
              "N",
              "Devices that vLLM is to share each layer between.",
              VerifyKeys::devices)
          .withDefault("1");

  private VerifyKeys() {}

  static List<ConfigKey<?>> all() {
    return List.of(CHECKPOINT, TENSOR_PARALLEL);
  }

  private static Integer devices(String text) {
    if (!text.matches("[1-9]\\d{0,3}")) {
      throw new IllegalArgumentException("use a whole number from 1 to 9999");
    }
    return Integer.valueOf(text);
  }
}
