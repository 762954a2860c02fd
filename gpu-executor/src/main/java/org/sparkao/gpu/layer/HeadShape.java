package org.sparkao.gpu.layer;

/**
 * The heads of a layer. The projection leaves q, k and v of a token in one row: all query heads,
 * then all key heads, then all value heads, each of {@code dimension} elements; [tokens, {@link
 * #rowElements()}] bf16.
 *
 * @param queryHeads a multiple of {@code keyHeads}: neighbours share a key head
 * @param keyHeads as many as value heads
 * @param dimension elements of a head, even and at most 256; a multiple of 16 on a GPU
 */
public record HeadShape(int queryHeads, int keyHeads, int dimension) {
  private static final int STEP = 2;
  private static final int LARGEST = 256;

  /** Checks sizes. */
  public HeadShape {
    LayerShapes.checkPositive("key heads", keyHeads);
    LayerShapes.checkMultiple("query heads", queryHeads, keyHeads);
    LayerShapes.checkMultiple("head dimension", dimension, STEP);
    LayerShapes.checkAtMost("head dimension", dimension, LARGEST);
  }

  /** All heads of a row. */
  public int heads() {
    return queryHeads + 2 * keyHeads;
  }

  /** Elements of a row of q, k and v. */
  public int rowElements() {
    return heads() * dimension;
  }

  /** Elements of a row of queries, or of results of attention. */
  public int queryElements() {
    return queryHeads * dimension;
  }

  /** Query heads that share a key head. */
  public int ratio() {
    return queryHeads / keyHeads;
  }

  /** What scores are multiplied by: 1 / sqrt(dimension). */
  public float scale() {
    return (float) (1 / Math.sqrt(dimension));
  }

  @Override
  public String toString() {
    return queryHeads + "/" + keyHeads + " heads of " + dimension;
  }
}
