package org.sparkao.jobs.describe;

import java.util.List;
import java.util.Optional;

/**
 * One tensor of a run's source as {@code tensors} has it.
 *
 * @param tensor name in the source
 * @param module name without {@code .weight}
 * @param layer number of its layer; empty outside the layers
 * @param shape lengths of the axes
 * @param treatment what was done with it
 * @param sourceBytes size before
 * @param outputBytes size after, scales included
 * @param nonFinite NaN and infinite values
 * @param error how wrong it is; empty when it was copied
 */
public record TensorResult(
    String tensor,
    String module,
    Optional<Long> layer,
    List<Long> shape,
    Treatment treatment,
    long sourceBytes,
    long outputBytes,
    long nonFinite,
    Optional<Error> error) {

  /**
   * What was done.
   *
   * @param scheme the scheme; empty when the tensor was copied
   * @param reason why it was copied, or what the algorithm fell back to
   * @param numerics whose arithmetic
   * @param algorithm how codes were chosen
   * @param device what computed
   */
  public record Treatment(
      Optional<String> scheme,
      Optional<String> reason,
      String numerics,
      String algorithm,
      String device) {}

  /**
   * How wrong the codes are.
   *
   * @param amax largest magnitude
   * @param sqnrDb signal to quantization noise; NaN for nothing but zeros, infinite when exact
   * @param maxError largest absolute error
   * @param meanError mean absolute error
   * @param clippedFraction share of weights cut off, 0 to 1
   */
  public record Error(
      double amax, double sqnrDb, double maxError, double meanError, double clippedFraction) {

    /** Whether the ratio is an ordinary number. */
    public boolean measured() {
      return Double.isFinite(sqnrDb);
    }
  }

  /** Freezes the shape. */
  public TensorResult {
    shape = List.copyOf(shape);
  }

  /** Number of weights. */
  public long elements() {
    return shape.stream().reduce(1L, (a, b) -> a * b);
  }

  /** Bits in the output for each weight, scales included. */
  public double bitsPerWeight() {
    return 8.0 * outputBytes / elements();
  }

  /** The last part of the module's name: {@code up_proj}. */
  public String moduleType() {
    return module.substring(module.lastIndexOf('.') + 1);
  }

  /** Whether it was quantized. */
  public boolean quantized() {
    return treatment.scheme().isPresent();
  }
}
