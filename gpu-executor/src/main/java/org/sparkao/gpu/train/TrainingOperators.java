package org.sparkao.gpu.train;

import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.GpuErrors;
import org.sparkao.gpu.GpuException;
import org.sparkao.gpu.device.Device;
import org.sparkao.gpu.layer.HeadShape;
import org.sparkao.gpu.tensor.Tensor;

/**
 * All that training needs of a device: operators of the Llama family and their gradients. Rows are
 * tokens. "Adds" means that the result is added to what stands there, anything else is overwritten.
 * All sums have a fixed order: the same call gives the same bits, whatever number of threads works.
 * For one thread at a time. {@link #close} gives back working memory, not tensors.
 */
public interface TrainingOperators extends AutoCloseable {
  /** Where everything lies. */
  Device device();

  /** Which operators these are, with a number that changes whenever bits change. */
  String version();

  /** Takes a tensor of zeros in fp32, for weights, gradients and sums; the caller closes it. */
  Tensor allocate(int rows, int columns);

  /**
   * Takes a tensor of zeros for what goes from operator to operator: hidden states, their
   * gradients, fake weights. Fp32 or, where {@link #version} says so, bf16; operators take either
   * in any place. The caller closes it.
   */
  Tensor allocateStates(int rows, int columns);

  /** x = 0. */
  void zero(Tensor x);

  /** x = 0 for all; devices do it at once where they can. */
  default void zero(List<Tensor> tensors) {
    tensors.forEach(this::zero);
  }

  /** y = x. */
  void copy(Tensor x, Tensor y);

  /** y = y + x. */
  default void add(Tensor x, Tensor y) {
    add(x, 1, y);
  }

  /** y = y + factor * x. */
  void add(Tensor x, float factor, Tensor y);

  /** x = x * factor. */
  void scale(Tensor x, float factor);

  /** y = y * x, number by number. */
  void multiply(Tensor x, Tensor y);

  /** The sum of squares of each tensor, in fp64 from sums of fp32 over at most 128 numbers. */
  double[] squaredNorms(List<Tensor> tensors);

  /**
   * y = x W^T + bias.
   *
   * @param x [rows, K]
   * @param weight [N, K]
   * @param bias [N, 1]
   * @param y [rows, N]
   */
  void product(Tensor x, Tensor weight, Optional<Tensor> bias, Tensor y);

  /**
   * dx = dy W: the gradient of x of {@link #product}.
   *
   * @param dy [rows, N]
   * @param weight [N, K]
   * @param dx [rows, K]
   */
  void inputGradient(Tensor dy, Tensor weight, Tensor dx);

  /**
   * Adds dy^T x: the gradient of W of {@link #product}.
   *
   * @param dy [rows, N]
   * @param x [rows, K]
   * @param dw [N, K]
   */
  void weightGradient(Tensor dy, Tensor x, Tensor dw);

  /**
   * Adds the sum of all rows: the gradient of the bias of {@link #product}.
   *
   * @param dy [rows, N]
   * @param db [N, 1]
   */
  void biasGradient(Tensor dy, Tensor db);

  /**
   * Products from fp8 operands, in memory of these operators.
   *
   * @param scaling not {@link Float8#NONE}
   * @throws org.sparkao.gpu.GpuException where the device has none
   */
  default Float8Products float8(Float8 scaling) {
    throw new GpuException(GpuErrors.float8NeedsHopper(device().info().label()));
  }

  /** y = norm(x), each [rows, columns]. */
  void norm(Tensor x, NormWeight norm, Tensor y);

  /**
   * Adds the gradients of x and of the weight of {@link #norm}.
   *
   * @param x as it was read
   * @param dy gradient of y
   * @param dx gradient of x
   */
  void normGradient(Tensor x, NormWeight norm, Tensor dy, Tensor dx);

  /**
   * Norms and rotation of the heads of q and k; v is copied.
   *
   * @param raw [tokens, {@link HeadShape#rowElements()}], as the projection left it
   * @param qkv the same shape, never {@code raw}
   */
  void heads(Tensor raw, Heads heads, TokenBatch batch, Tensor qkv);

  /**
   * Makes the gradient of {@code raw} of that of {@code qkv}, in place; adds the gradients of the
   * norms.
   */
  void headsGradient(Tensor raw, Heads heads, TokenBatch batch, Tensor gradient);

  /** Causal attention within each sequence. */
  void attend(AttendedHeads heads, Attended out);

  /**
   * The gradient of {@link #attend}; probabilities are computed again from the stored sums
   * (FlashAttention-2, Dao 2023, algorithm 2).
   *
   * @param out as {@code attend} left it
   * @param dOut gradient of {@code out.values()}
   * @param dQkv gradient of {@code qkv}
   */
  void attendGradient(AttendedHeads heads, Attended out, Tensor dOut, Tensor dQkv);

  /**
   * SwiGLU (Shazeer 2020): y = silu(gate) * up.
   *
   * @param gateUp [rows, 2 * columns]: gate, then up
   * @param y [rows, columns]
   */
  void gate(Tensor gateUp, Tensor y);

  /**
   * The gradient of {@link #gate}.
   *
   * @param dy [rows, columns]
   * @param dGateUp [rows, 2 * columns]
   */
  void gateGradient(Tensor gateUp, Tensor dy, Tensor dGateUp);

  /**
   * hidden[i] = table[ids[i]].
   *
   * @param table [vocabulary, columns]
   * @param hidden [tokens, columns]
   */
  void embed(Tensor table, TokenBatch batch, Tensor hidden);

  /** Adds the gradient of each token's row to that of the table, in the order of the tokens. */
  void embedGradient(TokenBatch batch, Tensor dHidden, Tensor dTable);

  /**
   * Cross entropy: losses[i] = -log softmax(logits[i])[targets[i]], 0 where there is no target.
   *
   * @param logits [rows, vocabulary]; becomes {@code weight} times the gradient of the sum of
   *     losses
   * @param targets [rows], or {@link TokenBatch#NO_TARGET}
   * @param losses [rows, 1]
   */
  void crossEntropy(Tensor logits, int[] targets, float weight, Tensor losses);

  /**
   * Distillation (Hinton et al. 2015, section 2): losses[i] = t^2 * KL(softmax(teacher[i] / t) ||
   * softmax(logits[i] / t)), over the whole vocabulary, and where there is a target, {@code labels}
   * times the {@link #crossEntropy}.
   *
   * @param logits [rows, vocabulary]; becomes {@code weight} times the gradient of the sum of
   *     losses
   * @param teacher the same shape; contents are undefined afterwards
   * @param targets [rows], or {@link TokenBatch#NO_TARGET}; not read where {@code labels} is 0
   * @param distillation the temperature t, what targets count, and the weight
   * @param losses [rows, 1]
   */
  void divergence(
      Tensor logits, Tensor teacher, int[] targets, Distilling distillation, Tensor losses);

  /**
   * Squared errors relative to the target's squares, whatever size rows have: adds {@code factor}
   * times the sum over columns of (y - target)^2 divided by that of target^2 to losses[i], and
   * nothing where the target is 0.
   *
   * @param y [rows, columns]; becomes {@code factor * weight} times the gradient of the sum of
   *     these quotients
   * @param losses [rows, 1]
   */
  void relativeError(Tensor y, Tensor target, Relative relative, Tensor losses);

  /** Gives working memory back. */
  @Override
  void close();

  /**
   * What relative errors are multiplied by.
   *
   * @param factor of losses, and of their gradient
   * @param weight of the gradient
   */
  record Relative(float factor, float weight) {}

  /**
   * What attention leaves.
   *
   * @param values [tokens, {@link HeadShape#queryElements()}]
   * @param logSums [tokens, query heads]: the logarithm of the sum of exponentials of scaled scores
   */
  record Attended(Tensor values, Tensor logSums) {}

  /**
   * What attention reads.
   *
   * @param qkv [tokens, {@link HeadShape#rowElements()}]
   */
  record AttendedHeads(Tensor qkv, HeadShape shape, TokenBatch batch) {}

  /**
   * Settings of a divergence.
   *
   * @param temperature 1 or more makes distributions flatter
   * @param labels what the cross entropy of targets counts beside the divergence; 0: nothing
   * @param weight of the gradient
   */
  record Distilling(float temperature, float labels, float weight) {
    /** Checks the temperature and what labels count. */
    public Distilling {
      if (!(temperature > 0) || !(labels >= 0)) {
        throw new IllegalArgumentException("temperature " + temperature + ", labels " + labels);
      }
    }
  }
}
