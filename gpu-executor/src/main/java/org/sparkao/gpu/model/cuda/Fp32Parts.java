package org.sparkao.gpu.model.cuda;

import java.nio.ByteBuffer;
import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.device.Taken;
import org.sparkao.gpu.gemm.CudaFp32Gemm;
import org.sparkao.gpu.gemm.Fp32Gemm;
import org.sparkao.gpu.model.ProjectionSpec;
import org.sparkao.gpu.model.cuda.Fp32Kernels.Fp32Norm;
import org.sparkao.gpu.module.KernelLibrary;

/** What fp32 projections share. */
record Fp32Parts(
    KernelLibrary library, Fp32Gemm gemm, Fp32Kernels kernels, RowKernels rows, Scratch scratch) {
  static Fp32Parts of(KernelLibrary library) {
    return new Fp32Parts(
        library,
        new CudaFp32Gemm(library),
        new Fp32Kernels(library),
        new RowKernels(library),
        new Scratch(library.device()));
  }

  CudaDevice device() {
    return library.device();
  }

  /** Memory, noted among what is taken. */
  Buffer take(Taken taken, long bytes) {
    return taken.add(device().allocate(bytes), Buffer::close);
  }

  Buffer upload(Taken taken, ByteBuffer bytes) {
    Buffer buffer = take(taken, bytes.remaining());
    device().write(buffer, 0, bytes);
    return buffer;
  }

  Optional<Fp32Norm> upload(Taken taken, Optional<ProjectionSpec.Norm> norm, int k) {
    return norm.map(
        given ->
            new Fp32Norm(upload(taken, HostNumbers.floats(given.weight())), k, given.epsilon()));
  }
}
