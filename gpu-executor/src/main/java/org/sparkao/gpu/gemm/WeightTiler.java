package org.sparkao.gpu.gemm;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.device.Taken;

/** Takes the memory of prepared weights and fills it; nothing stays taken when that fails. */
final class WeightTiler {
  private final CudaDevice device;
  private final Taken taken = new Taken();

  WeightTiler(CudaDevice device) {
    this.device = device;
  }

  /**
   * Weights whose tiles a kernel writes. Waits until they are written: products read weights before
   * they wait for their predecessor.
   *
   * @param scales in the order of the tiled rows
   * @param bias in the order of the tiled rows
   */
  TiledWeights tile(
      Gemm gemm,
      TileLayout layout,
      long bytes,
      Optional<ByteBuffer> scales,
      Optional<ByteBuffer> bias,
      Consumer<Buffer> kernel) {
    try (taken) {
      Buffer tiles = take(bytes);
      Optional<Buffer> scalesOnDevice = scales.map(this::copy);
      Optional<Buffer> biasOnDevice = bias.map(this::copy);
      kernel.accept(tiles);
      device.synchronize();
      return taken.keptBy(new TiledWeights(gemm, layout, tiles, scalesOnDevice, biasOnDevice));
    }
  }

  /** Scales of one matrix, or of gate and up, in the order of the tiled rows. */
  Optional<ByteBuffer> scales(Gemm gemm, List<WeightMatrix> matrices) {
    int rows = gemm.n() / gemm.matrices();
    Scaling scaling = ((DenseOperands) gemm.operands()).scalingOfW();
    return read(matrices, WeightMatrix::scales, GemmChecks.bytesOfScales(gemm, rows))
        .map(all -> TiledOrder.scales(scaling, all, rows));
  }

  /** Bias of one matrix, or of gate and up, in the order of the tiled rows. */
  Optional<ByteBuffer> bias(Gemm gemm, List<WeightMatrix> matrices) {
    long bytes = (long) Float.BYTES * gemm.n() / gemm.matrices();
    return read(matrices, WeightMatrix::bias, bytes).map(TiledOrder::rows);
  }

  /** Numbers of all matrices, or of none. */
  private Optional<List<ByteBuffer>> read(
      List<WeightMatrix> matrices, Function<WeightMatrix, Optional<Buffer>> part, long bytes) {
    List<ByteBuffer> all =
        matrices.stream()
            .flatMap(matrix -> part.apply(matrix).stream())
            .map(buffer -> read(buffer, bytes))
            .toList();
    return all.isEmpty() ? Optional.empty() : Optional.of(all);
  }

  private ByteBuffer read(Buffer buffer, long bytes) {
    ByteBuffer host = ByteBuffer.allocate(Math.toIntExact(bytes)).order(ByteOrder.LITTLE_ENDIAN);
    device.read(buffer, 0, host);
    return host;
  }

  private Buffer copy(ByteBuffer bytes) {
    Buffer buffer = take(bytes.remaining());
    device.write(buffer, 0, bytes);
    return buffer;
  }

  private Buffer take(long bytes) {
    return taken.add(device.allocate(bytes), Buffer::close);
  }
}
