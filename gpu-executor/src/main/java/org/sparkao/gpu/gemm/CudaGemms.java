package org.sparkao.gpu.gemm;

import org.sparkao.gpu.module.KernelLibrary;

/** The launchers for a device: those of Hopper on Hopper, else the portable ones. */
public final class CudaGemms {
  private CudaGemms() {}

  /** Products of few rows. */
  public static DecodeGemm decode(KernelLibrary library) {
    return library.hopper() ? new CudaDecodeGemm(library) : new CudaPortableDecodeGemm(library);
  }

  /** Products of many rows. */
  public static PrefillGemm prefill(KernelLibrary library) {
    return library.hopper() ? new CudaPrefillGemm(library) : new CudaPortablePrefillGemm(library);
  }

  /**
   * Products of many rows with weights that are 2:4.
   *
   * @throws org.sparkao.gpu.GpuException when the device is no Hopper
   */
  public static PrefillGemm sparse(KernelLibrary library) {
    return new CudaSparseGemm(library);
  }

  /**
   * The same weights for their product without gate and residual: what prefill reads of int4
   * weights that decode gates and adds with. Columns of gate and up take turns. Closing the result
   * does nothing; it is valid as long as the given one is.
   */
  public static GemmWeights withoutSteps(GemmWeights weights) {
    return GemmKernels.require(weights, TileLayout.class, "CUDA").withoutSteps();
  }
}
