package org.sparkao.jobs.quantize.plan;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.sparkao.jobs.quantize.plan.TensorTask.Quantize;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.Granularity;
import org.sparkao.quant.scheme.Granularity.PerGroup;
import org.sparkao.quant.scheme.QuantArgs;
import org.sparkao.quant.scheme.QuantScheme;
import org.sparkao.quant.scheme.TorchaoKind;

/**
 * Torchao's configurations and tensors as JSON.
 *
 * <p>Source: torchao 0.18, {@code core/config.py}, {@code quantization/quant_api.py} and {@code
 * prototype/safetensors/safetensors_utils.py}.
 */
final class TorchaoConfigs {
  private static final String INT8_ROWS =
      "{\"_type\": \"QuantizeTensorToInt8Kwargs\", \"_data\": {\"granularity\": {\"_type\":"
          + " \"PerRow\", \"_data\": {\"dim\": -1}}, \"mapping_type\": {\"_type\":"
          + " \"MappingType\", \"_data\": \"SYMMETRIC\"}, \"reduce_range\": false}}";

  private TorchaoConfigs() {}

  /** A configuration per name of a module or {@code re:} and an expression. */
  static Map<String, Object> ofModules(Map<String, Object> configs) {
    return typed(
        "FqnToConfig", 1, Map.of("fqn_to_config", configs, "module_fqn_to_config", configs));
  }

  /** The configuration of a scheme that {@link TorchaoKind} knows. */
  static Map<String, Object> of(QuantScheme scheme) {
    QuantArgs weights = scheme.weights();
    TorchaoKind kind = TorchaoKind.of(scheme).orElseThrow();
    Map<String, Object> data = new TreeMap<>();
    switch (kind) {
      case INT8_WEIGHT_ONLY -> {
        data.put("granularity", granularity(weights.granularity(), "PerRow", "dim", -1));
        data.put("group_size", null);
        data.put("set_inductor_config", true);
      }
      case INT8_DYNAMIC -> {
        data.put("act_mapping_type", mapping(true));
        data.put("granularity", granularity(weights.granularity(), "PerRow", "dim", -1));
        data.put("reduce_range", false);
        data.put("set_inductor_config", true);
        data.put("weight_only_decode", false);
      }
      case INTX_WEIGHT_ONLY -> {
        intx(data, weights);
        data.put("granularity", granularity(weights.granularity(), "PerAxis", "axis", 0));
        data.put("mapping_type", mapping(weights.symmetric()));
        data.put("scale_dtype", null);
      }
      case INTX_DYNAMIC -> {
        intx(data, weights);
        data.put("act_mapping_type", mapping(false));
        data.put("weight_granularity", granularity(weights.granularity(), "PerAxis", "axis", 0));
        data.put("weight_mapping_type", mapping(weights.symmetric()));
        data.put("weight_scale_dtype", null);
      }
      case FLOAT8_WEIGHT_ONLY -> {
        data.put("granularity", granularity(weights.granularity(), "PerRow", "dim", -1));
        data.put("set_inductor_config", true);
        data.put("weight_dtype", value("torch.dtype", "float8_e4m3fn"));
      }
    }
    return typed(kind.configName(), 2, data);
  }

  private static void intx(Map<String, Object> data, QuantArgs weights) {
    data.put("intx_choose_qparams_algorithm", value("IntxChooseQParamsAlgorithm", "AFFINE"));
    data.put("intx_packing_format", value("IntxPackingFormat", "UNPACKED_TO_INT8"));
    data.put("weight_dtype", value("torch.dtype", "int" + weights.bits()));
  }

  private static Map<String, Object> granularity(
      Granularity granularity, String whole, String key, int number) {
    return granularity instanceof PerGroup group
        ? typed("PerGroup", 1, Map.of("group_size", group.size()))
        : typed(whole, 1, Map.of(key, number));
  }

  private static Map<String, Object> mapping(boolean symmetric) {
    return value("MappingType", symmetric ? "SYMMETRIC" : "ASYMMETRIC");
  }

  private static Map<String, Object> typed(String type, int version, Map<String, Object> data) {
    return Map.of("_type", type, "_version", version, "_data", data);
  }

  private static Map<String, Object> value(String type, String data) {
    return Map.of("_type", type, "_data", data);
  }

  /** How a header describes a quantized weight, letter by letter as Python writes it. */
  static String tensor(Quantize task, QuantScheme scheme) {
    TorchaoKind kind = TorchaoKind.of(scheme).orElseThrow();
    long columns =
        scheme.weights().granularity() instanceof PerGroup group
            ? group.size()
            : task.weight().columns();
    String block = "\"block_size\": [1, " + columns + "]";
    String dtype = "\"dtype\": " + torchType(typeName(task.weight().dtype()));
    List<String> fields =
        switch (kind) {
          case INT8_WEIGHT_ONLY ->
              List.of("\"act_quant_kwargs\": null", "\"reduce_range\": false", block, dtype);
          case INT8_DYNAMIC ->
              List.of(
                  "\"act_quant_kwargs\": " + INT8_ROWS, "\"reduce_range\": false", block, dtype);
          case INTX_WEIGHT_ONLY ->
              List.of(target(scheme), block, dtype, "\"activation_quantization\": null");
          case INTX_DYNAMIC ->
              List.of(
                  target(scheme),
                  block,
                  dtype,
                  "\"activation_quantization\": \"int8_asym_per_token\"");
          case FLOAT8_WEIGHT_ONLY ->
              List.of(
                  block,
                  "\"mm_config\": null",
                  "\"act_quant_kwargs\": null",
                  "\"kernel_preference\": {\"_type\": \"KernelPreference\", \"_data\": \"AUTO\"}",
                  dtype);
        };
    String names =
        switch (kind) {
          case INT8_WEIGHT_ONLY, INT8_DYNAMIC -> "\"zero_point\", \"qdata\", \"scale\"";
          case INTX_WEIGHT_ONLY, INTX_DYNAMIC -> "\"qdata\", \"scale\", \"zero_point\"";
          case FLOAT8_WEIGHT_ONLY -> "\"qdata\", \"scale\"";
        };
    return "{\"_type\": "
        + quoted(kind.tensorName())
        + ", \"_data\": {"
        + String.join(", ", fields)
        + "}, \"_tensor_data_names\": ["
        + names
        + "]}";
  }

  private static String target(QuantScheme scheme) {
    return "\"target_dtype\": " + torchType("int" + scheme.weights().bits());
  }

  private static String torchType(String name) {
    return "{\"_type\": \"torch.dtype\", \"_data\": " + quoted(name) + "}";
  }

  private static String typeName(DType dtype) {
    return switch (dtype) {
      case BF16 -> "bfloat16";
      case F16 -> "float16";
      default -> "float32";
    };
  }

  /** As JSON: names of tensors and classes have no control characters. */
  static String quoted(String text) {
    return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
  }
}
