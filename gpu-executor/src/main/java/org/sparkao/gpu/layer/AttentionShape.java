package org.sparkao.gpu.layer;

import org.sparkao.gpu.gemm.DenseOperands;
import org.sparkao.gpu.gemm.ElementType;
import org.sparkao.gpu.gemm.Gemm;
import org.sparkao.gpu.gemm.Scaling;

/**
 * The sizes of the attention half of a decoder layer.
 *
 * @param hidden elements of a token between layers
 * @param heads what the projection of a token is cut into
 */
public record AttentionShape(int hidden, HeadShape heads) {
  /** Llama-3 70B (Grattafiori et al. 2024, table 3). */
  public static final AttentionShape LLAMA_3_70B =
      new AttentionShape(8192, new HeadShape(64, 8, 128));

  private static final int STEP = 16;

  /** Checks sizes. */
  public AttentionShape {
    LayerShapes.checkMultiple("hidden", hidden, STEP);
  }

  /** The projection to q, k and v: fp8, a scale a row of activations and a channel of weights. */
  public Gemm qkv() {
    return Gemm.of("qkv_proj", heads.rowElements(), hidden, operands(), ElementType.BF16);
  }

  /** The projection back, which adds the residual. */
  public Gemm output() {
    return Gemm.of("o_proj", hidden, heads.queryElements(), operands(), ElementType.BF16)
        .with(Gemm.Step.RESIDUAL);
  }

  private static DenseOperands operands() {
    return DenseOperands.fp8(Scaling.ROW, Scaling.ROW);
  }

  @Override
  public String toString() {
    return "hidden " + hidden + ", " + heads;
  }
}
