package org.sparkao.gpu.gemm;

import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.module.Launch;

/** The launcher of {@code gemm_fp32}. Buffers begin at multiples of 16 bytes. */
public final class CudaFp32Gemm implements Fp32Gemm {
  private static final int TILE = 64;
  private static final int WIDE_TILE = 128;
  private static final int THREADS = 256;
  private static final int VECTOR = 4;

  private final KernelLibrary library;

  /** On the device of a library. */
  public CudaFp32Gemm(KernelLibrary library) {
    this.library = library;
  }

  @Override
  public void multiply(Shape shape, Buffer x, Buffer w, Optional<Buffer> bias, Buffer y) {
    boolean wide = isWide(shape);
    int tile = wide ? WIDE_TILE : TILE;
    Launch launch =
        library
            .kernel("gemm_fp32", wide ? "gemm_fp32_wide" : "gemm_fp32_fma")
            .launch(shape.toString())
            .grid(PrefillTiles.ceilDiv(shape.n(), tile), PrefillTiles.ceilDiv(shape.m(), tile))
            .block(THREADS)
            .dependent()
            .with(y)
            .with(x)
            .with(w);
    GemmKernels.with(launch, bias).with(shape.m()).with(shape.n()).with(shape.k()).run();
  }

  /**
   * Both kernels give the same bits, so that M may decide: large tiles where they fill a device.
   */
  private boolean isWide(Shape shape) {
    int tiles =
        PrefillTiles.ceilDiv(shape.n(), WIDE_TILE) * PrefillTiles.ceilDiv(shape.m(), WIDE_TILE);
    return shape.k() % VECTOR == 0 && tiles >= library.device().info().multiprocessors();
  }
}
