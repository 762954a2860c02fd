package org.sparkao.gpu.train.cpu;

import java.util.Arrays;
import org.sparkao.gpu.layer.HeadShape;
import org.sparkao.gpu.model.cpu.Cores;
import org.sparkao.gpu.model.cpu.Exponential;
import org.sparkao.gpu.model.cpu.Lanes;
import org.sparkao.gpu.model.cpu.Panels;
import org.sparkao.gpu.tensor.HostTensor;
import org.sparkao.gpu.train.TrainingOperators.Attended;
import org.sparkao.gpu.train.TrainingOperators.AttendedHeads;

/**
 * The gradient of causal attention (FlashAttention-2, Dao 2023, algorithm 2): probabilities P are
 * computed again, dV = P^T dO, dP = dO V^T, dS = scale * P * (dP - rowsum(dO * O)), dQ = dS K, dK =
 * dS^T Q. Sums over queries go through heads, then blocks of queries.
 */
final class AttentionBackward {
  private static final int C = Panels.COLUMNS;

  private final Cores cores;
  private final AttentionBlock[] workers;

  AttentionBackward(Cores cores) {
    this.cores = cores;
    this.workers = new AttentionBlock[cores.count()];
    Arrays.setAll(workers, i -> new AttentionBlock());
  }

  /** A piece is a sequence and a head of keys, with the heads of queries that share it. */
  void run(AttendedHeads heads, Attended out, HostTensor dOut, HostTensor dQkv) {
    int keyHeads = heads.shape().keyHeads();
    cores.run(
        heads.batch().sequences() * keyHeads,
        (worker, piece) -> {
          KeyHead keys = new KeyHead(heads, piece / keyHeads, piece % keyHeads);
          new Piece(workers[worker], keys, out, dOut, dQkv).run();
        });
  }

  private static final class Piece {
    private final AttentionBlock block;
    private final KeyHead keys;
    private final Attended out;
    private final HostTensor dOut;
    private final HostTensor dQkv;
    private final int dimension;
    private final int stride;
    private final Panels keyPanels;
    private final Panels valuePanels;
    private final Panels keyColumns;
    private final float[] dKeys;
    private final float[] dValues;
    private final float[] dQueries;
    private final float[] transposed;

    Piece(AttentionBlock block, KeyHead keys, Attended out, HostTensor dOut, HostTensor dQkv) {
      this.block = block;
      this.keys = keys;
      this.out = out;
      this.dOut = dOut;
      this.dQkv = dQkv;
      this.dimension = keys.shape().dimension();
      this.stride = Lanes.roundUp(dimension, C);
      this.keyPanels = keys.keyPanels();
      this.valuePanels = keys.valuePanels();
      this.keyColumns = keys.keyColumns();
      int width = Lanes.roundUp(keys.length(), C);
      this.dKeys = new float[width * stride];
      this.dValues = new float[width * stride];
      this.dQueries = new float[AttentionBlock.QUERIES * stride];
      this.transposed = new float[width * AttentionBlock.QUERIES];
    }

    void run() {
      HeadShape shape = keys.shape();
      for (int i = 0; i < shape.ratio(); i++) {
        for (int first = 0; first < keys.length(); first += AttentionBlock.QUERIES) {
          block.begin(first, Math.min(AttentionBlock.QUERIES, keys.length() - first));
          block(keys.head() * shape.ratio() + i, first);
        }
      }
      for (int i = 0; i < keys.length(); i++) {
        int row = dQkv.at(keys.token(i));
        System.arraycopy(dKeys, i * stride, dQkv.array(), row + keys.keyColumn(), dimension);
        System.arraycopy(dValues, i * stride, dQkv.array(), row + keys.valueColumn(), dimension);
      }
    }

    private void block(int head, int first) {
      KeyHead.Rows queries = keys.queries(head, first);
      int at = dOut.at(keys.token(first)) + head * dimension;
      KeyHead.Rows given = new KeyHead.Rows(dOut.array(), at, dOut.columns());
      float[] weights = block.first;
      float[] gradients = block.second;
      block.scores(weights, queries, keyPanels);
      block.scores(gradients, given, valuePanels);
      for (int row = 0; row < block.rows(); row++) {
        softmaxGradient(head, keys.token(first + row), row);
      }
      block.addTransposed(weights, transposed, columns(given), dValues);
      block.addTransposed(gradients, transposed, columns(queries), dKeys);
      Arrays.fill(dQueries, 0);
      block.weigh(gradients, keyColumns, dQueries);
      for (int row = 0; row < block.rows(); row++) {
        int to = dQkv.at(keys.token(first + row)) + head * dimension;
        System.arraycopy(dQueries, row * stride, dQkv.array(), to, dimension);
      }
    }

    /** Makes probabilities of scores, and gradients of scores of those of probabilities. */
    private void softmaxGradient(int head, int token, int row) {
      HostTensor values = HostTensor.of(out.values());
      HostTensor sums = HostTensor.of(out.logSums());
      float scale = keys.shape().scale();
      int width = block.width();
      int from = row * width;
      int end = from + width;
      int seen = from + block.seen(row);
      float[] weights = block.first;
      float[] gradients = block.second;
      float shift = sums.array()[sums.at(token) + head] / scale;
      Exponential.apply(weights, from, width, shift, scale);
      Arrays.fill(weights, seen, end, 0);
      Arrays.fill(gradients, seen, end, 0);
      float mean =
          (float)
              RowMath.dot(
                  dOut.array(),
                  dOut.at(token) + head * dimension,
                  values.array(),
                  values.at(token) + head * dimension,
                  dimension);
      for (int i = from; i < seen; i++) {
        gradients[i] = scale * weights[i] * (gradients[i] - mean);
      }
    }

    /** The rows of a block [rows, dimension], transposed. */
    private Panels columns(KeyHead.Rows rows) {
      Panels panels = Panels.zeros(dimension, block.rows());
      for (int row = 0; row < block.rows(); row++) {
        panels.putColumn(row, rows.array(), rows.at() + row * rows.stride());
      }
      return panels;
    }
  }
}
