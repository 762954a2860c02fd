package org.sparkao.jobs.bench;

import java.util.List;
import java.util.Locale;
import org.sparkao.gpu.gemm.Scaling;
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
      ConfigKey.value(
              "repeats",
              "N",
              "Measurements; the median counts. gemm and layer take 25 or more.",
              BenchKeys::length)
          .withDefault("9");
  static final ConfigKey<GemmFamily> FAMILY =
      ConfigKey.choice(
              "family",
              GemmFamily.class,
              GemmFamily::configName,
              "gemm: kernels for few or for many rows of activations, or for many and 2:4 weights.")
          .withDefault("decode");
  static final ConfigKey<GemmType> TYPE =
      ConfigKey.list(
          "type",
          GemmKeys.TYPES,
          "gemm: types of activations and weights; may be repeated. e4m3 when none is given.",
          GemmKeys::type);
  static final ConfigKey<Scaling> SCALES =
      ConfigKey.choice(
              "scales",
              Scaling.class,
              scaling -> scaling.name().toLowerCase(Locale.ROOT),
              "gemm: scales of fp8 and int8, of activations and weights alike; row is a row of"
                  + " activations and a channel of weights, block 1x128 and 128x128.")
          .withDefault("row");
  static final ConfigKey<Integer> GROUP =
      ConfigKey.value(
              "group",
              "N",
              "gemm: columns that share a scale of int4: 32, 64, 128, or 0 for a row.",
              GemmKeys::group)
          .withDefault("128");
  static final ConfigKey<GemmShape> SHAPE =
      ConfigKey.list(
          "shape",
          "NxK",
          "gemm: rows and columns of the weight; may be repeated. The projections of Llama-3 8B and"
              + " 70B when none is given.",
          GemmShape::parse);
  static final ConfigKey<Integer> M =
      ConfigKey.list(
          "m",
          "N",
          "gemm, layer and float8: rows of activations; may be repeated. 1, 4, 8, 16, 32, 64, 128 for"
              + " decode, 2048 and 4096 for prefill and sparse, 1, 16 and 64 for layer, 16384 and 8192 for float8"
              + " when none is given.",
          BenchKeys::length);
  static final ConfigKey<Integer> CONTEXT =
      ConfigKey.value(
              "context",
              "N",
              "layer and decode: positions of each sequence that the cache holds.",
              BenchKeys::length)
          .withDefault("2048");

  private BenchKeys() {}

  static List<ConfigKey<?>> all() {
    return List.of(
        WHAT,
        DEVICE,
        SCHEME,
        ROWS,
        COLUMNS,
        REPEATS,
        FAMILY,
        TYPE,
        SCALES,
        GROUP,
        SHAPE,
        M,
        CONTEXT,
        ModelKeys.WEIGHTS,
        ModelKeys.BATCH,
        ModelKeys.KV_CACHE,
        ModelKeys.HEAD,
        ModelKeys.EMBEDDING);
  }

  static Integer length(String text) {
    if (!text.matches("[1-9]\\d{0,5}")) {
      throw new IllegalArgumentException("use a whole number from 1 to 999999");
    }
    return Integer.valueOf(text);
  }
}
