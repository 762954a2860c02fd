package org.sparkao.gpu.model.cpu;

import java.nio.FloatBuffer;
import java.util.Arrays;
import org.sparkao.gpu.layer.HeadShape;
import org.sparkao.gpu.layer.HostSequences;
import org.sparkao.gpu.model.cpu.BlockProduct.Rows;

/**
 * Causal attention of whole sequences: blocks of queries of one head against all keys up to the
 * last of them. Keys count from the first position of the sequence, wherever its tokens lie, and
 * queries never meet, so that a sequence gives the same bits in any batch.
 */
final class CpuPrefillAttention {
  private static final int QUERIES = BlockProduct.ROWS;
  private static final int C = Panels.COLUMNS;

  private final HeadShape shape;
  private final float[] qkv;
  private final HostSequences sequences;
  private final FloatBuffer out;
  private final Panels[] keys;
  private final Panels[] values;
  private final int[] firstBlocks;

  /**
   * Attention of a batch.
   *
   * @param qkv [tokens, {@link HeadShape#rowElements()}], and memory for {@link Tile#ROWS} rows
   *     more
   */
  CpuPrefillAttention(HeadShape shape, float[] qkv, HostSequences sequences, FloatBuffer out) {
    this.shape = shape;
    this.qkv = qkv;
    this.sequences = sequences;
    this.out = out;
    this.keys = new Panels[sequences.count() * shape.keyHeads()];
    this.values = new Panels[sequences.count() * shape.keyHeads()];
    this.firstBlocks = new int[sequences.count() + 1];
    for (int i = 0; i < sequences.count(); i++) {
      firstBlocks[i + 1] = firstBlocks[i] + (sequences.own(i) + QUERIES - 1) / QUERIES;
    }
  }

  void run(Cores cores) {
    cores.run(keys.length, (worker, piece) -> pack(piece));
    Scratch[] scratch = new Scratch[cores.count()];
    int blocks = firstBlocks[firstBlocks.length - 1];
    cores.run(
        blocks * shape.queryHeads(),
        (worker, piece) -> {
          if (scratch[worker] == null) {
            scratch[worker] = new Scratch();
          }
          // The last blocks of a sequence take longest; they come first.
          int block = blocks - 1 - piece / shape.queryHeads();
          attend(scratch[worker], block, piece % shape.queryHeads());
        });
  }

  /** Lays out the keys and values of one head of a sequence. */
  private void pack(int piece) {
    int sequence = piece / shape.keyHeads();
    int dimension = shape.dimension();
    int length = sequences.length(sequence);
    Panels key = Panels.zeros(length, dimension);
    Panels value = Panels.zeros(dimension, Lanes.roundUp(length, C));
    int head = (shape.queryHeads() + piece % shape.keyHeads()) * dimension;
    int toValue = shape.keyHeads() * dimension;
    for (int i = 0; i < length; i++) {
      int first = sequences.token(sequence, i) * shape.rowElements() + head;
      key.put(i, qkv, first);
      value.putColumn(i, qkv, first + toValue);
    }
    keys[piece] = key;
    values[piece] = value;
  }

  /** What a worker keeps between blocks. */
  private static final class Scratch {
    private final BlockProduct product = new BlockProduct();
    private float[] scores = {};
    private float[] sums = {};
  }

  private void attend(Scratch scratch, int block, int head) {
    int sequence = sequence(block);
    int firstOwn = (block - firstBlocks[sequence]) * QUERIES;
    int firstQuery = sequences.before(sequence) + firstOwn;
    int firstToken = sequences.begin(sequence) + firstOwn;
    int queries = Math.min(QUERIES, sequences.own(sequence) - firstOwn);
    int panels = (firstQuery + queries + C - 1) / C;
    int width = BlockProduct.stride(panels);
    int piece = sequence * shape.keyHeads() + head / shape.ratio();
    if (scratch.scores.length < QUERIES * width) {
      scratch.scores = new float[Math.multiplyExact(QUERIES, width)];
    }
    float[] scores = scratch.scores;
    int first = firstToken * shape.rowElements() + head * shape.dimension();
    scratch.product.run(
        new Rows(qkv, first, shape.rowElements(), queries),
        keys[piece],
        panels,
        shape.dimension(),
        scores);
    double[] totals = new double[queries];
    for (int row = 0; row < queries; row++) {
      totals[row] = softmax(scores, row * width, firstQuery + row + 1, width);
    }
    Panels value = values[piece];
    int stride = BlockProduct.stride(value.count());
    if (scratch.sums.length < QUERIES * stride) {
      scratch.sums = new float[QUERIES * stride];
    }
    Rows weights = new Rows(scores, 0, width, queries);
    scratch.product.run(weights, value, value.count(), panels * C, scratch.sums);
    write(scratch.sums, totals, firstToken, head);
  }

  private int sequence(int block) {
    int at = Arrays.binarySearch(firstBlocks, block + 1);
    return (at >= 0 ? at : -at - 1) - 1;
  }

  /** Makes weights of the first {@code count} scores, zeros of the others; returns their sum. */
  private double softmax(float[] scores, int first, int count, int width) {
    Arrays.fill(scores, first + count, first + width, Float.NEGATIVE_INFINITY);
    float largest = Exponential.largest(scores, first, width);
    Exponential.apply(scores, first, width, largest, shape.scale());
    Arrays.fill(scores, first + count, first + width, 0);
    return Exponential.sum(scores, first, width);
  }

  private void write(float[] sums, double[] totals, int firstToken, int head) {
    int dimension = shape.dimension();
    int stride = BlockProduct.stride((dimension + C - 1) / C);
    for (int row = 0; row < totals.length; row++) {
      float factor = (float) (1 / totals[row]);
      for (int i = 0; i < dimension; i++) {
        sums[row * stride + i] *= factor;
      }
      int at = (firstToken + row) * shape.queryElements() + head * dimension;
      out.put(at, sums, row * stride, dimension);
    }
  }
}
