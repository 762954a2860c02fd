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

  /** A view for the product without gate and residual; closing it does nothing. */
  TiledWeights withoutSteps() {
    Gemm plain = Gemm.of(gemm.name(), gemm.n(), gemm.k(), gemm.operands(), gemm.output());
    return new TiledWeights(
        gemm.has(Gemm.Step.BIAS) ? plain.with(Gemm.Step.BIAS) : plain,
        layout,
        view(tiles),
        scales.map(TiledWeights::view),
        bias.map(TiledWeights::view));
  }

  private static Buffer view(Buffer buffer) {
    return buffer.slice(0, buffer.bytes());
  }

  @Override
  public void close() {
    tiles.close();
    scales.ifPresent(Buffer::close);
    bias.ifPresent(Buffer::close);
  }
}
