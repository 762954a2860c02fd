package org.sparkao.gpu.optimizer;

import java.util.List;
import org.sparkao.gpu.GpuErrors;
import org.sparkao.gpu.GpuException;

/**
 * Scales all gradients of a step so that their norm together is at most {@code largestNorm}
 * (Pascanu et al. 2013, algorithm 1).
 *
 * @param largestNorm above 0; infinity clips nothing
 */
public record GradientClipping(double largestNorm) {
  /** Keeps the factor from making a norm of just the limit larger (torch clip_grad_norm_). */
  private static final double EPSILON = 1e-6;

  /** A norm above 0. */
  public GradientClipping {
    if (!(largestNorm > 0)) {
      throw new IllegalArgumentException("largest norm of gradients " + largestNorm);
    }
  }

  /**
   * The squares of one gradient.
   *
   * @param parameter its name
   * @param sum of all elements squared, in fp64
   */
  public record Squares(String parameter, double sum) {}

  /**
   * The norm of all gradients together, added up in the order given.
   *
   * @throws GpuException naming the first gradient that is not finite
   */
  public static double norm(List<Squares> gradients) {
    double sum = 0;
    for (Squares gradient : gradients) {
      if (!Double.isFinite(gradient.sum())) {
        throw new GpuException(GpuErrors.gradientNotFinite(gradient.parameter()));
      }
      sum += gradient.sum();
    }
    return Math.sqrt(sum);
  }

  /** What gradients of this norm are multiplied with, 1 at most. */
  public float factor(double norm) {
    return (float) Math.min(1, largestNorm / (norm + EPSILON));
  }
}
