package org.sparkao.quant.algorithm;

import org.sparkao.quant.scheme.CheckpointLayout;

/** Which tensors a weight becomes under a layout of checkpoints. */
interface WeightLayout {

  /**
   * Refuses schemes that the layout has no form for.
   *
   * @throws org.sparkao.quant.QuantException saying what would do
   */
  void check(QuantizeRequest request);

  /** The tensors of a request that {@link #check} let pass. */
  WeightParts parts(QuantizeRequest request, ScaleGrid grid);

  /** The one of this name. */
  static WeightLayout of(CheckpointLayout layout) {
    return switch (layout) {
      case COMPRESSED_TENSORS -> new CompressedTensorsLayout();
      case DEEPSEEK -> new DeepSeekLayout();
      case TORCHAO -> new TorchaoLayout();
    };
  }
}
