package org.sparkao.jobs.bench;

import java.util.List;
import org.sparkao.jobs.config.ConfigKey;
import org.sparkao.jobs.gpu.DeviceRequest;
import org.sparkao.quant.scheme.QuantScheme;
import org.sparkao.quant.scheme.Schemes;

/** What {@code bench} can be told. */
final class BenchKeys {
  static final ConfigKey<String> WHAT =
      ConfigKey.argument("what", Benchmarks.names(), "The operation to time.");
  static final ConfigKey<DeviceRequest> DEVICE =
      ConfigKey.choice(
              "device",
              DeviceRequest.class,
              DeviceRequest::configName,
              "What is measured; auto takes the GPU when the operation and this machine have one.")
          .withDefault("auto");
  static final ConfigKey<QuantScheme> SCHEME =
      ConfigKey.list(
          "scheme",
          "NAME",
          "Scheme to quantize to; may be repeated. FP8_DYNAMIC, FP8_BLOCK, W8A8 and W4A16 when none"
              + " is given.",
          Schemes::parse);
  static final ConfigKey<Integer> ROWS =
      ConfigKey.value("rows", "N", "Rows of the weight.", BenchKeys::length).withDefault("4096");
  static final ConfigKey<Integer> COLUMNS =
      ConfigKey.value("columns", "N", "Columns of the weight.", BenchKeys::length)
          .withDefault("4096");
  static final ConfigKey<Integer> REPEATS =
      ConfigKey.value("repeats", "N", "Measurements; the median counts.", BenchKeys::length)
          .withDefault("9");

  private BenchKeys() {}

  static List<ConfigKey<?>> all() {
    return List.of(WHAT, DEVICE, SCHEME, ROWS, COLUMNS, REPEATS);
  }

  private static Integer length(String text) {
    if (!text.matches("[1-9]\\d{0,5}")) {
      throw new IllegalArgumentException("use a whole number from 1 to 999999");
    }
    return Integer.valueOf(text);
  }
}
