package org.sparkao.jobs.bench;

import java.util.Arrays;
import java.util.stream.Collectors;

/** Values of the keys of {@code bench gemm}. */
final class GemmKeys {
  static final String TYPES =
      Arrays.stream(GemmType.values()).map(GemmType::configName).collect(Collectors.joining("|"));

  private GemmKeys() {}

  static GemmType type(String text) {
    return Arrays.stream(GemmType.values())
        .filter(type -> type.configName().equals(text))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("use one of " + TYPES));
  }

  static Integer group(String text) {
    if (!text.matches("0|32|64|128")) {
      throw new IllegalArgumentException("use 32, 64, 128, or 0 for a row");
    }
    return Integer.valueOf(text);
  }
}
