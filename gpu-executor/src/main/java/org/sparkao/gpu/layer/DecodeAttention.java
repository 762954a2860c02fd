package org.sparkao.gpu.layer;

import org.sparkao.gpu.device.Buffer;

/**
 * Attention of one query token a sequence over the cache: out = softmax(q k / sqrt(dimension)) v
 * over the positions below the sequence's length. A sequence of length 0 gives zeros.
 */
public interface DecodeAttention {
  /** Bytes of working memory that {@link #attend} needs. */
  long workspaceBytes(HeadShape shape, KvCache.Type type, Batch batch);

  /**
   * Attends.
   *
   * @param qkv [sequences, {@link HeadShape#rowElements()}], of which q is read; k and v of the
   *     token are in the cache already
   * @param out [sequences, {@link HeadShape#queryElements()}] bf16
   */
  void attend(Buffer qkv, HeadShape shape, KvCache cache, Batch batch, Output out);

  /**
   * The sequences of a step: row i is sequence i of the cache.
   *
   * @param lengths [sequences] int32: positions that count, the token's own included
   * @param longest at least the largest length; a longer sequence gives NaN
   */
  record Batch(Buffer lengths, int sequences, int longest) {
    /** Checks sizes. */
    public Batch {
      LayerShapes.checkPositive("sequences", sequences);
      LayerShapes.checkPositive("longest", longest);
      LayerShapes.checkBytes("lengths", lengths, sequences, Integer.BYTES);
    }
  }

  /** Where results and intermediate results go. */
  record Output(Buffer values, Buffer workspace) {
    void check(Buffer qkv, HeadShape shape, KvCache cache, Batch batch) {
      cache.check(shape);
      LayerShapes.checkAtMost("sequences", batch.sequences(), cache.sequences());
      LayerShapes.checkAtMost("longest", batch.longest(), cache.capacity());
      LayerShapes.checkBf16("q, k and v", qkv, (long) batch.sequences() * shape.rowElements());
      LayerShapes.checkBf16("out", values, (long) batch.sequences() * shape.queryElements());
    }
  }
}
