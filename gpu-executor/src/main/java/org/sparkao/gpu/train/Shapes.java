package org.sparkao.gpu.train;

import org.sparkao.gpu.tensor.Tensor;
import org.sparkao.gpu.train.TrainingOperators.Attended;
import org.sparkao.gpu.train.TrainingOperators.AttendedHeads;

/** What operators of any device demand of the shapes of tensors. */
public final class Shapes {
  private Shapes() {}

  /** A tensor that has the shape of another. */
  public static Tensor same(Tensor as, Tensor tensor) {
    return require(tensor, as.rows(), as.columns());
  }

  /** A tensor of a shape. */
  public static Tensor require(Tensor tensor, int rows, int columns) {
    if (tensor.rows() != rows || tensor.columns() != columns) {
      throw new IllegalArgumentException(
          "a tensor of %d x %d where %d x %d is wanted"
              .formatted(tensor.rows(), tensor.columns(), rows, columns));
    }
    return tensor;
  }

  /**
   * Two sizes that are one.
   *
   * @param what is compared
   */
  public static void equal(String what, int found, int wanted) {
    if (found != wanted) {
      throw new IllegalArgumentException(what + ": " + found + " and " + wanted);
    }
  }

  /** What attention reads and leaves. */
  public static void attended(AttendedHeads heads, Attended out) {
    int tokens = heads.batch().tokens();
    require(heads.qkv(), tokens, heads.shape().rowElements());
    require(out.values(), tokens, heads.shape().queryElements());
    require(out.logSums(), tokens, heads.shape().queryHeads());
  }

  /** A target that rows of logits have, or none. */
  public static int target(int target, Tensor logits) {
    if (target != TokenBatch.NO_TARGET && (target < 0 || target >= logits.columns())) {
      throw new IllegalArgumentException(
          "target " + target + " of a vocabulary of " + logits.columns());
    }
    return target;
  }

  /** The number of a token that a table has. */
  public static int token(int id, Tensor table) {
    if (id < 0 || id >= table.rows()) {
      throw new IllegalArgumentException("token " + id + " of a vocabulary of " + table.rows());
    }
    return id;
  }
}
