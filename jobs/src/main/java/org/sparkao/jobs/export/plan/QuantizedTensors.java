package org.sparkao.jobs.export.plan;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.CheckpointTensor;
import org.sparkao.quant.checkpoint.TorchaoTensors;
import org.sparkao.quant.config.CheckpointQuantization;
import org.sparkao.quant.config.NamedModule;
import org.sparkao.quant.config.QuantizedGroup;
import org.sparkao.quant.gguf.GgufType;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.Granularity;
import org.sparkao.quant.scheme.QuantArgs;
import org.sparkao.quant.scheme.QuantScheme;
import org.sparkao.quant.scheme.Schemes;

/** The weights of a checkpoint that is quantized already, as an export sees them. */
final class QuantizedTensors {
  /** Codes in groups as long as the blocks of Q4_0. */
  private static final Granularity BLOCKS = new Granularity.PerGroup(32);

  private static final Set<DType> PLAIN = Set.of(DType.F32, DType.F16, DType.BF16);

  /** Ends of names of what is read with the codes, or not at all. */
  private static final List<String> PARTS =
      List.of(
          ".weight_scale",
          ".weight_scale_inv",
          ".weight_zero_point",
          ".weight_global_scale",
          ".weight_shape",
          ".weight_g_idx",
          ".input_scale",
          ".input_zero_point",
          ".input_global_scale",
          ".k_scale",
          ".v_scale");

  private final Optional<CheckpointQuantization> quantization;

  private QuantizedTensors(Optional<CheckpointQuantization> quantization) {
    this.quantization = quantization;
  }

  /**
   * Those of a checkpoint.
   *
   * @throws org.sparkao.quant.QuantException when it is quantized in a way that is not read
   */
  static QuantizedTensors of(Checkpoint checkpoint) {
    return new QuantizedTensors(CheckpointQuantization.of(checkpoint));
  }

  /** Whether a tensor only belongs to codes. */
  boolean isPart(String name) {
    return quantization.isPresent()
        && (TorchaoTensors.belongsToCodes(name) || PARTS.stream().anyMatch(name::endsWith));
  }

  /** The name of the weight that a tensor holds, whatever its form. */
  String weightName(String name) {
    String plain = TorchaoTensors.weightName(name);
    return plain.endsWith(".weight_packed")
        ? plain.substring(0, plain.length() - "_packed".length())
        : plain;
  }

  /** The scheme of the codes that a tensor holds; empty for plain numbers. */
  Optional<QuantScheme> scheme(CheckpointTensor tensor) {
    if (quantization.isEmpty() || PLAIN.contains(tensor.entry().dtype())) {
      return Optional.empty();
    }
    NamedModule module =
        NamedModule.linear(weightName(tensor.entry().name()).replaceFirst("\\.weight$", ""));
    return quantization.get().config().group(module).map(QuantizedTensors::scheme);
  }

  private static QuantScheme scheme(QuantizedGroup group) {
    return Schemes.named(group.weights(), group.activations(), group.format());
  }

  /** Whether blocks of a type hold the codes of a scheme as they are. */
  static boolean keepsCodes(QuantScheme scheme, GgufType type) {
    QuantArgs weights = scheme.weights();
    return type == GgufType.Q4_0
        && weights.kind() == QuantArgs.Kind.INT
        && weights.bits() == 4
        && weights.symmetric()
        && weights.granularity().equals(BLOCKS);
  }
}
