package org.sparkao.gpu.model;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CpuDevice;

/** Linear layers of the same x, plainly. */
final class ReferenceProjection implements Projection {
  private final ProjectionSpec spec;
  private final List<ReferenceMatrix> matrices;
  private final Optional<ReferenceNorm> norm;
  private final Arithmetic arithmetic;
  private final Runnable release;

  /** {@code release} gives back what is this projection's own. */
  ReferenceProjection(
      ProjectionSpec spec,
      List<ReferenceMatrix> matrices,
      Arithmetic arithmetic,
      Runnable release) {
    this.spec = spec;
    this.matrices = List.copyOf(matrices);
    this.norm = spec.norm().map(n -> new ReferenceNorm(n, arithmetic));
    this.arithmetic = arithmetic;
    this.release = release;
  }

  @Override
  public void run(Operation operation, int rows, Buffer x, Buffer y) {
    float[][] input = ReferenceRows.read(x, rows, matrices.get(0).k(), arithmetic);
    norm.ifPresent(n -> ReferenceRows.each(input, n::apply));
    List<double[][]> products = matrices.stream().map(m -> m.times(input)).toList();
    if (spec.after() == ProjectionSpec.After.SWIGLU) {
      ReferenceRows.write(ReferenceRows.swiglu(products.get(0), products.get(1)), y, arithmetic);
      return;
    }
    double[][] result = ReferenceRows.stacked(products);
    switch (spec.after()) {
      case RESIDUAL -> ReferenceRows.add(result, y, arithmetic);
      case LOGITS -> logits(result, y);
      default -> ReferenceRows.write(result, y, arithmetic);
    }
  }

  private static void logits(double[][] result, Buffer y) {
    ByteBuffer out = CpuDevice.bytes(y);
    for (double[] row : result) {
      for (double value : row) {
        out.putFloat((float) value);
      }
    }
  }

  @Override
  public long bytes() {
    return matrices.stream().mapToLong(ReferenceMatrix::bytes).sum();
  }

  @Override
  public String numerics() {
    return matrices.stream()
        .map(ReferenceMatrix::numerics)
        .distinct()
        .collect(Collectors.joining(", "));
  }

  @Override
  public void close() {
    release.run();
  }
}
