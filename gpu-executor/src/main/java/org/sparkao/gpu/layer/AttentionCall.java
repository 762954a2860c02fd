package org.sparkao.gpu.layer;

import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.layer.DecodeAttention.Batch;
import org.sparkao.gpu.layer.HeadPreparation.Rotation;
import org.sparkao.gpu.quantize.ActivationQuantizer.QuantizedRows;

/**
 * One token of each of some sequences on its way through an {@link AttentionLayer}.
 *
 * @param x [M, hidden] bf16
 * @param y [M, hidden] bf16: x plus what attention adds; may be x
 * @param next [M, hidden] fp8 codes of the norm of y, and a scale a row
 * @param context what came before
 */
public record AttentionCall(Buffer x, Buffer y, QuantizedRows next, Context context) {
  /**
   * The sequences: row i is sequence i of the cache.
   *
   * @param positions [M] int32, where the tokens stand: their lengths less 1
   * @param batch the lengths, the tokens included
   * @param cache of this layer; the tokens' keys and values are appended
   * @param rotation tables for all positions
   */
  public record Context(Buffer positions, Batch batch, KvCache cache, Rotation rotation) {
    /** Checks sizes. */
    public Context {
      LayerShapes.checkBytes("positions", positions, batch.sequences(), Integer.BYTES);
    }
  }

  /** Tokens. */
  public int rows() {
    return context.batch().sequences();
  }

  void check(AttentionShape shape) {
    long elements = (long) rows() * shape.hidden();
    LayerShapes.checkBf16("x", x, elements);
    LayerShapes.checkBf16("y", y, elements);
    LayerShapes.checkBytes("codes of the next norm", next.codes(), elements, 1);
    LayerShapes.checkBytes("scales of the next norm", next.scales(), rows(), Float.BYTES);
  }
}
