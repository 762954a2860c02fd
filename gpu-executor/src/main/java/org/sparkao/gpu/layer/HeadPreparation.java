package org.sparkao.gpu.layer;

import java.util.Optional;
import org.sparkao.gpu.device.Buffer;

/**
 * What happens to q, k and v between their projection and attention: RMSNorm of each q and k head
 * (Qwen3), rotation of q and k (RoPE, Su et al. 2021, in the half-split order of transformers),
 * both in place, and append of k and v to the cache. Each is optional. Results are rounded to bf16
 * after every step; what the cache stores is made from the rounded numbers.
 */
public interface HeadPreparation {
  /**
   * Prepares rows.
   *
   * @param qkv [rows, {@link HeadShape#rowElements()}]
   */
  void prepare(Buffer qkv, HeadShape shape, Places places, Steps steps);

  /**
   * Where rows belong.
   *
   * @param positions [rows] int32; a row with a negative position is left alone, one beyond the
   *     cache's capacity is not appended
   * @param sequences [rows] int32; absent: row i belongs to sequence i
   */
  record Places(Buffer positions, Optional<Buffer> sequences, int rows) {
    /** Checks sizes. */
    public Places {
      LayerShapes.checkPositive("rows", rows);
      LayerShapes.checkBytes("positions", positions, rows, Integer.BYTES);
      if (sequences.isPresent()) {
        LayerShapes.checkBytes("sequences", sequences.get(), rows, Integer.BYTES);
      }
    }
  }

  /** What is done, in this order. */
  record Steps(Optional<Norms> norms, Optional<Rotation> rotation, Optional<KvCache> cache) {
    void check(Buffer qkv, HeadShape shape, Places places) {
      LayerShapes.checkBf16("q, k and v", qkv, (long) places.rows() * shape.rowElements());
      norms.ifPresent(n -> LayerShapes.checkBf16("q norm", n.query(), shape.dimension()));
      norms.ifPresent(n -> LayerShapes.checkBf16("k norm", n.key(), shape.dimension()));
      cache.ifPresent(c -> c.check(shape));
    }
  }

  /**
   * RMSNorm of heads.
   *
   * @param query [dimension] bf16 weight
   * @param key likewise
   */
  record Norms(Buffer query, Buffer key, float epsilon) {}

  /**
   * Angles as tables [positions, dimension / 2] of fp32, so that every way of scaling them is the
   * caller's. Elements i and i + dimension / 2 of a head turn by angle i.
   */
  record Rotation(Buffer cosines, Buffer sines) {}
}
