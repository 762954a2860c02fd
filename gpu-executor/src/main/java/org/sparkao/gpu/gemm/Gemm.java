package org.sparkao.gpu.gemm;

import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;
import org.sparkao.gpu.GpuErrors;

/**
 * A matrix product with all that is known before the first row comes: Y [M, columns] = steps(X [M,
 * K] W [N, K]^T), the last axis contiguous everywhere. Sums and steps are fp32; Y is rounded once,
 * to nearest even.
 *
 * @param name of the weight, for messages
 * @param n rows of W, a multiple of 16; with {@link Step#SILU_GATE} those of gate and up together
 * @param k columns of W, a multiple of 16 and of the int4 group
 * @param operands what X and W are made of
 * @param output BF16, FP16 or FP32
 * @param steps what happens to the scaled sums, in the order of {@link Step}
 */
public record Gemm(
    String name, int n, int k, Operands operands, ElementType output, Set<Step> steps) {
  private static final int MULTIPLE = 16;

  /** What happens to a sum of products, times its scales. */
  public enum Step {
    /** Adds a number a column: fp32 [N]. */
    BIAS,
    /** silu(gate) * up: Y has N / 2 columns, silu(v) = v / (1 + exp(-v)). */
    SILU_GATE,
    /** Adds a matrix like Y, which may be Y. */
    RESIDUAL
  }

  /** Checks that the numbers go together. */
  public Gemm {
    steps = Collections.unmodifiableSet(copy(steps));
    if (n < MULTIPLE || k < MULTIPLE || n % MULTIPLE != 0 || k % MULTIPLE != 0) {
      throw new IllegalArgumentException(GpuErrors.gemmShape(name, n, k, MULTIPLE));
    }
    if (!output.output()) {
      throw new IllegalArgumentException(GpuErrors.gemmOutput(name, output.name()));
    }
    if (operands instanceof Int4Operands int4
        && int4.group() != Int4Operands.ROW
        && k % int4.group() != 0) {
      throw new IllegalArgumentException(GpuErrors.gemmGroup(name, k, int4.group()));
    }
  }

  /** Without steps. */
  public static Gemm of(String name, int n, int k, Operands operands, ElementType output) {
    return new Gemm(name, n, k, operands, output, Set.of());
  }

  /** The same with one step more. */
  public Gemm with(Step step) {
    Set<Step> all = copy(steps);
    all.add(step);
    return new Gemm(name, n, k, operands, output, all);
  }

  /** Columns of Y. */
  public int columns() {
    return has(Step.SILU_GATE) ? n / 2 : n;
  }

  /** Bytes of X. */
  public long bytesOfX(int m) {
    return (long) m * k * operands.x().bytes();
  }

  /** Elements of X's scales; 0 without. */
  public long scalesOfX(int m) {
    return switch (operands.scalingOfX()) {
      case NONE -> 0;
      case TENSOR -> 1;
      case ROW -> m;
      case BLOCK -> (long) m * blocks(k);
    };
  }

  /** Bytes of Y. */
  public long bytesOfY(int m) {
    return (long) m * columns() * output.bytes();
  }

  /** Name, shape and types, for messages and records. */
  public String label() {
    String after = steps.isEmpty() ? "" : ", " + steps;
    return name + " [" + n + ", " + k + "] " + operands.label() + after;
  }

  boolean has(Step step) {
    return steps.contains(step);
  }

  /** Matrices that W is made of: gate and up, or one. */
  int matrices() {
    return has(Step.SILU_GATE) ? 2 : 1;
  }

  /** Blocks of 128. */
  static int blocks(int length) {
    return (length + Scaling.BLOCK_LENGTH - 1) / Scaling.BLOCK_LENGTH;
  }

  private static Set<Step> copy(Set<Step> steps) {
    Set<Step> all = EnumSet.noneOf(Step.class);
    all.addAll(steps);
    return all;
  }
}
