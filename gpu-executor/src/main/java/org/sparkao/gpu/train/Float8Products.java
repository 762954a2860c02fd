package org.sparkao.gpu.train;

import java.util.Optional;
import org.sparkao.gpu.tensor.Tensor;

/**
 * The products of a linear layer from fp8 operands, with scales as a {@link Float8} says. The code
 * of a number is that of the number times L / amax, rounded to nearest, ties to even; L is 448 in
 * E4M3 and 57344 in E5M2, amax the largest magnitude that shares the scale, 1e-12 at least. Sums
 * are fp32 and multiplied by amax / L of both operands. An amax that is not finite makes NaN of all
 * it touches. All numbers of columns are multiples of {@link #STEP}. For one thread at a time.
 */
public interface Float8Products {
  /** What K and N of a layer are multiples of. */
  int STEP = 16;

  /**
   * Takes memory.
   *
   * @param rows most
   * @param columns exactly
   */
  Float8Matrix allocate(int rows, int columns);

  /**
   * Codes in E4M3.
   *
   * @param x [rows, columns]
   */
  void quantize(Tensor x, Float8Matrix to);

  /**
   * y = x W^T + bias.
   *
   * @param x codes of [rows, K]
   * @param weight codes of [N, K]
   * @param bias [N, 1]
   * @param y [rows, N]
   */
  void product(Float8Matrix x, Float8Matrix weight, Optional<Tensor> bias, Tensor y);

  /**
   * The gradients of {@link #product}, from codes of dy in E5M2: dx = dy W, and adds dy^T x to dw.
   *
   * @param dy [rows, N]
   * @param x codes of [rows, K]
   * @param weight codes of [N, K]
   * @param dw [N, K] in fp32, where it is wanted
   * @param dx [rows, K]
   */
  void gradients(Tensor dy, Float8Matrix x, Float8Matrix weight, Optional<Tensor> dw, Tensor dx);
}
