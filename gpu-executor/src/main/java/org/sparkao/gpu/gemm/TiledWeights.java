package org.sparkao.gpu.gemm;

import java.util.Optional;
import org.sparkao.gpu.device.Buffer;

/**
 * Weights on a GPU.
 *
 * @param tiles in the layout
 * @param scales fp32 in the order of the tiled rows; int4 has them in its tiles
 * @param bias in the order of the tiled rows
 */
record TiledWeights(
    Gemm gemm, TileLayout layout, Buffer tiles, Optional<Buffer> scales, Optional<Buffer> bias)
    implements GemmWeights {
  @Override
  public long bytes() {
    return tiles.bytes()
        + scales.map(Buffer::bytes).orElse(0L)
        + bias.map(Buffer::bytes).orElse(0L);
  }

  @Override
  public void close() {
    tiles.close();
    scales.ifPresent(Buffer::close);
    bias.ifPresent(Buffer::close);
  }
}
