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

/** Causal attention: some queries of a head at a time against all keys up to the last of them. */
final class AttentionForward {
  private static final int C = Panels.COLUMNS;

  private final Cores cores;
  private final AttentionBlock[] workers;

  AttentionForward(Cores cores) {
    this.cores = cores;
    this.workers = new AttentionBlock[cores.count()];
    Arrays.setAll(workers, i -> new AttentionBlock());
  }

  /** A piece is a sequence and a head of keys. */
  void run(AttendedHeads heads, Attended out) {
    int keyHeads = heads.shape().keyHeads();
    cores.run(
        heads.batch().sequences() * keyHeads,
        (worker, piece) ->
            run(workers[worker], new KeyHead(heads, piece / keyHeads, piece % keyHeads), out));
  }

  private static void run(AttentionBlock block, KeyHead keys, Attended out) {
    Panels key = keys.keyPanels();
    Panels value = keys.valueColumns();
    HeadShape shape = keys.shape();
    HostTensor sums = HostTensor.of(out.logSums());
    float[] weighted = new float[AttentionBlock.QUERIES * value.count() * C];
    for (int i = 0; i < shape.ratio(); i++) {
      int head = keys.head() * shape.ratio() + i;
      for (int first = 0; first < keys.length(); first += AttentionBlock.QUERIES) {
        block.begin(first, Math.min(AttentionBlock.QUERIES, keys.length() - first));
        block.scores(block.first, keys.queries(head, first), key);
        double[] totals = new double[block.rows()];
        for (int row = 0; row < block.rows(); row++) {
          totals[row] = softmax(block, row, shape.scale());
          int at = sums.at(keys.token(first + row)) + head;
          sums.array()[at] =
              (float) (block.largest * (double) shape.scale() + Math.log(totals[row]));
        }
        Arrays.fill(weighted, 0);
        block.weigh(block.first, value, weighted);
        write(weighted, totals, keys, head, first, HostTensor.of(out.values()));
      }
    }
  }

  /** Makes weights of the scores that a query sees, zeros of the others; returns their sum. */
  private static double softmax(AttentionBlock block, int row, float scale) {
    float[] scores = block.first;
    int width = block.width();
    int from = row * width;
    int seen = block.seen(row);
    Arrays.fill(scores, from + seen, from + width, Float.NEGATIVE_INFINITY);
    block.largest = Exponential.largest(scores, from, width);
    Exponential.apply(scores, from, width, block.largest, scale);
    Arrays.fill(scores, from + seen, from + width, 0);
    return Exponential.sum(scores, from, width);
  }

  private static void write(
      float[] weighted, double[] totals, KeyHead keys, int head, int first, HostTensor values) {
    int dimension = keys.shape().dimension();
    int stride = Lanes.roundUp(dimension, C);
    for (int row = 0; row < totals.length; row++) {
      float factor = (float) (1 / totals[row]);
      int to = values.at(keys.token(first + row)) + head * dimension;
      for (int i = 0; i < dimension; i++) {
        values.array()[to + i] = weighted[row * stride + i] * factor;
      }
    }
  }
}
