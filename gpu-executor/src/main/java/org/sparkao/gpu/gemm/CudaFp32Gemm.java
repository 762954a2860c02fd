package org.sparkao.gpu.gemm;

import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.module.Launch;

/** The launcher of {@code gemm_fp32}. */
public final class CudaFp32Gemm implements Fp32Gemm {
  private static final int TILE = 64;
  private static final int THREADS = 256;

  private final KernelLibrary library;

  /** On the device of a library. */
  public CudaFp32Gemm(KernelLibrary library) {
    this.library = library;
  }

  @Override
  public void multiply(Shape shape, Buffer x, Buffer w, Optional<Buffer> bias, Buffer y) {
    Launch launch =
        library
            .kernel("gemm_fp32", "gemm_fp32_fma")
            .launch(shape.toString())
            .grid(PrefillTiles.ceilDiv(shape.n(), TILE), PrefillTiles.ceilDiv(shape.m(), TILE))
            .block(THREADS)
            .dependent()
            .with(y)
            .with(x)
            .with(w);
    GemmKernels.with(launch, bias).with(shape.m()).with(shape.n()).with(shape.k()).run();
  }
}
