package org.sparkao.gpu.model.cpu;

import java.nio.FloatBuffer;
import java.util.Arrays;
import org.sparkao.gpu.layer.HeadShape;
import org.sparkao.gpu.layer.HostSequences;

/**
 * Causal attention of whole sequences: blocks of queries of one head against all keys up to the
 * last of them. Keys count from the first position of the sequence, wherever its tokens lie, and
 * queries never meet, so that a sequence gives the same bits in any batch.
 */
final class CpuPrefillAttention {
  private static final int QUERIES = 6 * Tile.ROWS;
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
    private final Tile tile = new Tile();
    private float[] scores = {};
    private float[] sums = {};
  }

  private void attend(Scratch scratch, int block, int head) {
    int sequence = sequence(block);
    int firstOwn = (block - firstBlocks[sequence]) * QUERIES;
    int firstQuery = sequences.before(sequence) + firstOwn;
    int firstToken = sequences.begin(sequence) + firstOwn;
    int queries = Math.min(QUERIES, sequences.own(sequence) - firstOwn);
    int width = Lanes.roundUp(firstQuery + queries, C);
    int piece = sequence * shape.keyHeads() + head / shape.ratio();
    if (scratch.scores.length < QUERIES * width) {
      scratch.scores = new float[Math.multiplyExact(QUERIES, width)];
    }
    float[] scores = scratch.scores;
    Arrays.fill(scores, 0, QUERIES * width, 0);
    Tile tile = scratch.tile;
    tile.x = qkv;
    tile.stride = shape.rowElements();
    tile.sums = scores;
    tile.sumsStride = width;
    tile.begin = 0;
    tile.end = shape.dimension();
    int first = firstToken * shape.rowElements() + head * shape.dimension();
    for (int panel = 0; panel < width / C; panel++) {
      tile.panel = keys[piece].panel(panel);
      for (int row = 0; row < queries; row += Tile.ROWS) {
        tile.first = first + row * shape.rowElements();
        tile.sumsAt = row * width + panel * C;
        tile.several();
      }
    }
    double[] totals = new double[queries];
    for (int row = 0; row < queries; row++) {
      totals[row] = softmax(scores, row * width, firstQuery + row + 1, width);
    }
    weigh(scratch, values[piece], width, queries);
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

  /** sums[QUERIES, dimension] = weights * values. */
  private void weigh(Scratch scratch, Panels value, int width, int queries) {
    int stride = value.count() * C;
    if (scratch.sums.length < QUERIES * stride) {
      scratch.sums = new float[QUERIES * stride];
    }
    Arrays.fill(scratch.sums, 0);
    Tile tile = scratch.tile;
    tile.x = scratch.scores;
    tile.stride = width;
    tile.sums = scratch.sums;
    tile.sumsStride = stride;
    tile.end = width;
    for (int panel = 0; panel < value.count(); panel++) {
      tile.panel = value.panel(panel);
      for (int row = 0; row < queries; row += Tile.ROWS) {
        tile.first = row * width;
        tile.sumsAt = row * stride + panel * C;
        tile.several();
      }
    }
  }

  private void write(float[] sums, double[] totals, int firstToken, int head) {
    int dimension = shape.dimension();
    int stride = Lanes.roundUp(dimension, C);
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
