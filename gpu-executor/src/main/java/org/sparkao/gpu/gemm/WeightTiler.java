package org.sparkao.gpu.gemm;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CudaDevice;

/** Takes the memory of prepared weights and fills it; nothing stays taken when that fails. */
final class WeightTiler {
  private final CudaDevice device;
  private final List<Buffer> taken = new ArrayList<>();

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
    try {
      Buffer tiles = take(bytes);
      Optional<Buffer> scalesOnDevice = scales.map(this::copy);
      Optional<Buffer> biasOnDevice = bias.map(this::copy);
      kernel.accept(tiles);
      device.synchronize();
      return new TiledWeights(gemm, layout, tiles, scalesOnDevice, biasOnDevice);
    } catch (RuntimeException e) {
      taken.forEach(Buffer::close);
      throw e;
    }
  }

  /** The first {@code bytes} of a buffer. */
  ByteBuffer read(Buffer buffer, long bytes) {
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
    Buffer buffer = device.allocate(bytes);
    taken.add(buffer);
    return buffer;
  }
}
