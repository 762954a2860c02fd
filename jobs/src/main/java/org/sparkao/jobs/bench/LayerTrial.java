package org.sparkao.jobs.bench;

import java.util.List;
import org.sparkao.gpu.gemm.DecodeGemm;
import org.sparkao.gpu.gemm.Gemm;
import org.sparkao.gpu.layer.AttentionLayer.Part;
import org.sparkao.gpu.layer.AttentionShape;
import org.sparkao.gpu.layer.HeadShape;
import org.sparkao.gpu.layer.KvCache;
import org.sparkao.jobs.config.Config;
import org.sparkao.quant.QuantException;

/**
 * What {@code bench layer} times, and what it costs at least; nothing here needs a GPU.
 *
 * @param context positions of each sequence, the token's own included
 * @param rows M, each a time
 */
record LayerTrial(AttentionShape shape, int context, List<Integer> rows) {
  static final KvCache.Type CACHE = KvCache.Type.BF16;

  private static final List<Integer> ROWS = List.of(1, 16, 64);

  LayerTrial {
    rows = List.copyOf(rows);
  }

  /**
   * Reads it from a configuration.
   *
   * @throws QuantException for more rows than decode takes
   */
  static LayerTrial of(Config config) {
    List<Integer> given = config.all(BenchKeys.M);
    for (int m : given) {
      if (m > DecodeGemm.MOST_ROWS) {
        throw new QuantException(
            "--m "
                + m
                + ": bench layer decodes 1 to "
                + DecodeGemm.MOST_ROWS
                + " tokens at a time");
      }
    }
    return new LayerTrial(
        AttentionShape.LLAMA_3_70B,
        config.value(BenchKeys.CONTEXT),
        given.isEmpty() ? ROWS : given);
  }

  /** For the column of shapes. */
  String label(int m) {
    return m + " x " + context + " positions, " + shape;
  }

  /** Bytes of keys and values of m sequences. */
  long cacheBytes(int m) {
    HeadShape heads = shape.heads();
    return 2L * CACHE.bytes() * m * context * heads.keyHeads() * heads.dimension();
  }

  /** That a part must read and write once. */
  long bytes(Part part, int m) {
    HeadShape heads = shape.heads();
    long codes = heads.queryElements() + (long) Float.BYTES;
    return switch (part) {
      case INPUT_NORM, NEXT_NORM ->
          (long) Short.BYTES * shape.hidden() + m * (3L * shape.hidden() + Float.BYTES);
      case QKV -> bytes(shape.qkv(), m);
      case ROTATION ->
          (long) Short.BYTES
              * m
              * heads.dimension()
              * (heads.heads() + heads.queryHeads() + 3L * heads.keyHeads());
      case ATTENTION -> cacheBytes(m) + 2L * Short.BYTES * m * heads.queryElements();
      case QUANTIZATION -> m * ((long) Short.BYTES * heads.queryElements() + codes);
      case OUTPUT -> bytes(shape.output(), m) + shape.output().bytesOfY(m);
    };
  }

  /** Operations of arithmetic of a part; 0 where they do not matter. */
  long operations(Part part, int m) {
    return switch (part) {
      case QKV -> operations(shape.qkv(), m);
      case OUTPUT -> operations(shape.output(), m);
      case ATTENTION -> 4L * m * context * shape.heads().queryElements();
      default -> 0;
    };
  }

  private static long bytes(Gemm gemm, int m) {
    return (long) gemm.n() * gemm.k()
        + (long) Float.BYTES * gemm.n()
        + gemm.bytesOfX(m)
        + Float.BYTES * gemm.scalesOfX(m)
        + gemm.bytesOfY(m);
  }

  private static long operations(Gemm gemm, int m) {
    return 2L * m * gemm.n() * gemm.k();
  }
}
