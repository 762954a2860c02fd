package org.sparkao.gpu.model.cpu;

import java.nio.FloatBuffer;
import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.model.Operation;
import org.sparkao.gpu.model.Projection;
import org.sparkao.gpu.model.ProjectionSpec.After;

/** A projection: norm, product and what follows. */
final class CpuProjection implements Projection {
  private final CpuMatrix matrix;
  private final Optional<RowNorm> norm;
  private final Shape shape;
  private final Cores cores;
  private final Workspace workspace;

  /**
   * What it writes.
   *
   * @param n elements of a row of y
   * @param after what happens to the product
   */
  record Shape(int n, After after) {}

  CpuProjection(
      CpuMatrix matrix, Optional<RowNorm> norm, Shape shape, Cores cores, Workspace workspace) {
    this.matrix = matrix;
    this.norm = norm;
    this.shape = shape;
    this.cores = cores;
    this.workspace = workspace;
  }

  @Override
  public void run(Operation operation, int rows, Buffer x, Buffer y) {
    float[] input = input(x, rows, matrix.k());
    matrix.multiply(input, rows, new RowOutput(Workspace.floats(y), shape.n(), shape.after()));
  }

  private float[] input(Buffer x, int rows, int k) {
    float[] input = workspace.take(Workspace.Use.INPUT, rows, k);
    FloatBuffer from = Workspace.floats(x);
    cores.rows(
        rows,
        row -> {
          from.get(row * k, input, row * k, k);
          norm.ifPresent(n -> n.apply(input, row * k));
        });
    return input;
  }

  @Override
  public long bytes() {
    return matrix.bytes();
  }

  @Override
  public String numerics() {
    return matrix.numerics();
  }

  @Override
  public void close() {
    // The garbage collector's.
  }
}
