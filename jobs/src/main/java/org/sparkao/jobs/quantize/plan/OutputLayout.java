package org.sparkao.jobs.quantize.plan;

import java.util.List;
import java.util.Map;
import org.sparkao.quant.safetensors.ShardHeader;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.QuantScheme;

/** What of a checkpoint's files depends on its layout, but for the tensors of a weight. */
interface OutputLayout {

  /**
   * What is described.
   *
   * @param recipe what was asked for
   * @param schemes scheme of each quantized module
   * @param ignored every linear module that stays as it is
   * @param config the {@code config.json} of the source, not to be changed
   */
  record Decisions(
      Recipe recipe,
      Map<String, QuantScheme> schemes,
      List<String> ignored,
      Map<String, Object> config) {}

  /** The {@code quantization_config} that tells a loader what the tensors are. */
  Map<String, Object> config(Decisions decisions);

  /** The list of all tensors that every file of the checkpoint has; empty where none has. */
  default String tensorNames(List<TensorTask> tasks) {
    return "";
  }

  /** The {@code __metadata__} of a file. */
  default Map<String, String> metadata(ShardTask shard, Arithmetic arithmetic) {
    return ShardHeader.PYTORCH;
  }

  /** The one of this name. */
  static OutputLayout of(CheckpointLayout layout) {
    return switch (layout) {
      case COMPRESSED_TENSORS -> new CompressedTensorsOutput();
      case DEEPSEEK -> new DeepSeekOutput();
      case TORCHAO -> new TorchaoOutput();
    };
  }
}
