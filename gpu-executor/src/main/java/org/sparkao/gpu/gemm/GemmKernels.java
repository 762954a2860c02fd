package org.sparkao.gpu.gemm;

import java.util.Optional;
import org.sparkao.gpu.GpuErrors;
import org.sparkao.gpu.GpuException;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.module.Launch;
import org.sparkao.gpu.module.TensorMap;

/** What the launchers of {@code src/main/cuda/gemm_*} share, and the one list of them. */
final class GemmKernels {
  static final String DECODE = "gemm_decode";
  static final String INT4 = "gemm_int4";
  static final String PREFILL = "gemm_prefill";

  private GemmKernels() {}

  /** Refuses a GPU that the kernels of Hopper do not run on. */
  static KernelLibrary requireHopper(KernelLibrary library) {
    if (!library.hopper()) {
      throw new GpuException(
          GpuErrors.needsHopper(library.device().info().label(), "these matrix products"));
    }
    return library;
  }

  /** The number by which kernels know the type of Y. */
  static int outputNumber(ElementType output) {
    return switch (output) {
      case BF16 -> 0;
      case FP16 -> 1;
      default -> 2;
    };
  }

  /** A buffer as an argument, or null. */
  static Launch with(Launch launch, Optional<Buffer> buffer) {
    return buffer.isPresent() ? launch.with(buffer.get()) : launch.withNull();
  }

  /** X as the decode kernels take it: boxes of all rows by 128 bytes. */
  static TensorMap rows(KernelLibrary library, Gemm gemm, GemmCall call) {
    int rowBytes = gemm.k() * gemm.operands().x().bytes();
    return TensorMap.of(library.device(), call.x(), call.m(), rowBytes, call.m());
  }

  /** Weights of a layout. */
  static TiledWeights require(
      GemmWeights weights, Class<? extends TileLayout> layout, String family) {
    if (weights instanceof TiledWeights tiled && layout.isInstance(tiled.layout())) {
      return tiled;
    }
    String other = weights instanceof TiledWeights tiled ? tiled.layout().label() : "the CPU";
    throw new IllegalArgumentException(GpuErrors.gemmLayout(weights.gemm().label(), other, family));
  }
}
