package org.sparkao.gpu.layer;

import org.sparkao.gpu.gemm.GemmWeights;
import org.sparkao.gpu.quantize.ActivationQuantizer.NormWeight;

/**
 * The weights of an {@link AttentionLayer}. None may be written by the work launched just before:
 * kernels read them before their predecessor is done.
 *
 * @param inputNorm before the projection to q, k and v; its memory is the caller's
 * @param qkv prepared for {@link AttentionShape#qkv()}
 * @param output prepared for {@link AttentionShape#output()}
 * @param nextNorm before the half of the layer that follows; its memory is the caller's
 */
public record AttentionWeights(
    NormWeight inputNorm, GemmWeights qkv, GemmWeights output, NormWeight nextNorm)
    implements AutoCloseable {

  /** Gives back the memory of the projections. */
  @Override
  public void close() {
    try {
      qkv.close();
    } finally {
      output.close();
    }
  }

  void check(AttentionShape shape) {
    check(shape.qkv().equals(qkv.gemm()), qkv, shape);
    check(shape.output().equals(output.gemm()), output, shape);
    LayerShapes.checkBf16("input norm", inputNorm.values(), shape.hidden());
    LayerShapes.checkBf16("next norm", nextNorm.values(), shape.hidden());
  }

  private static void check(boolean same, GemmWeights weights, AttentionShape shape) {
    if (!same) {
      throw new IllegalArgumentException(
          weights.gemm().label() + " is no projection of a layer of " + shape);
    }
  }
}
