package org.sparkao.gpu.layer;

import java.util.Optional;
import org.sparkao.gpu.device.Buffer;

/** Log-probability of one token a row: log softmax(logits[i])[targets[i]], in fp32. */
public interface LogSoftmax {
  /** Scores rows; a target outside the vocabulary has the log-probability NaN. */
  void gather(Logits logits, Buffer targets, Scores scores);

  /** What logits are stored as. */
  enum Type {
    /** Two bytes. */
    BF16,
    /** Four bytes. */
    FP32
  }

  /**
   * Logits.
   *
   * @param values [rows, vocabulary], vocabulary contiguous, of any length
   */
  record Logits(Buffer values, Type type, int rows, int vocabulary) {
    /** Checks sizes. */
    public Logits {
      LayerShapes.checkPositive("rows", rows);
      LayerShapes.checkPositive("vocabulary", vocabulary);
      int bytes = type == Type.BF16 ? Short.BYTES : Float.BYTES;
      LayerShapes.checkBytes("logits", values, (long) rows * vocabulary, bytes);
    }
  }

  /**
   * Where results go, one a row.
   *
   * @param logProbabilities fp32
   * @param isGreedy int32: 1 where the target is the greedy token, else 0
   * @param greedy int32: the first token with the largest logit; -1 where all are NaN
   */
  record Scores(Buffer logProbabilities, Optional<Buffer> isGreedy, Optional<Buffer> greedy) {
    void check(Buffer targets, int rows) {
      LayerShapes.checkBytes("targets", targets, rows, Integer.BYTES);
      LayerShapes.checkBytes("log-probabilities", logProbabilities, rows, Float.BYTES);
      isGreedy.ifPresent(
          buffer -> LayerShapes.checkBytes("greedy flags", buffer, rows, Integer.BYTES));
      greedy.ifPresent(
          buffer -> LayerShapes.checkBytes("greedy tokens", buffer, rows, Integer.BYTES));
    }
  }
}
