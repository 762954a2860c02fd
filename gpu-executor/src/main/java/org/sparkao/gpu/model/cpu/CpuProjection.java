package org.sparkao.gpu.model.cpu;

import java.nio.FloatBuffer;
import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.model.Operation;
import org.sparkao.gpu.model.Projection;

/** A projection: norm, product and what follows. */
final class CpuProjection implements Projection {
  private final Layers layers;
  private final Optional<RowNorm> norm;
  private final Cores cores;
  private final Workspace workspace;
  private final CpuDevice.Held memory;

  /**
   * A projection.
   *
   * @param memory what its weights take; closed with it
   */
  CpuProjection(
      Layers layers,
      Optional<RowNorm> norm,
      Cores cores,
      Workspace workspace,
      CpuDevice.Held memory) {
    this.layers = layers;
    this.norm = norm;
    this.cores = cores;
    this.workspace = workspace;
    this.memory = memory;
  }

  @Override
  public void run(Operation operation, int rows, Buffer x, Buffer y) {
    int k = layers.k();
    float[] input = workspace.take(Workspace.Use.INPUT, rows, k);
    FloatBuffer from = Workspace.floats(x);
    cores.rows(
        rows,
        row -> {
          from.get(row * k, input, row * k, k);
          norm.ifPresent(n -> n.apply(input, row * k));
        });
    layers.apply(input, rows, Workspace.floats(y));
  }

  @Override
  public long bytes() {
    return memory.bytes();
  }

  @Override
  public String numerics() {
    return layers.numerics();
  }

  @Override
  public void close() {
    memory.close();
  }
}
