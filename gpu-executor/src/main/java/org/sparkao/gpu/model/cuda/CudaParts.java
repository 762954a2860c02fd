package org.sparkao.gpu.model.cuda;

import java.nio.ByteBuffer;
import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.gemm.CudaGemms;
import org.sparkao.gpu.gemm.DecodeGemm;
import org.sparkao.gpu.gemm.PrefillGemm;
import org.sparkao.gpu.layer.CudaResidualAdd;
import org.sparkao.gpu.layer.CudaRmsNorm;
import org.sparkao.gpu.layer.CudaSwiGlu;
import org.sparkao.gpu.layer.ResidualAdd;
import org.sparkao.gpu.layer.RmsNorm;
import org.sparkao.gpu.layer.SwiGlu;
import org.sparkao.gpu.model.ProjectionSpec;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.quantize.ActivationQuantizer;
import org.sparkao.gpu.quantize.CudaActivationQuantizer;

/** What the projections of a model share. */
record CudaParts(
    KernelLibrary library,
    Products products,
    ActivationQuantizer quantizer,
    Rows rows,
    RowKernels kernels,
    Scratch scratch) {

  /** Both families of products. */
  record Products(DecodeGemm decode, PrefillGemm prefill) {}

  /** Operators of rows. */
  record Rows(RmsNorm norm, SwiGlu gate, ResidualAdd add) {}

  static CudaParts of(KernelLibrary library) {
    return new CudaParts(
        library,
        new Products(CudaGemms.decode(library), CudaGemms.prefill(library)),
        new CudaActivationQuantizer(library),
        new Rows(new CudaRmsNorm(library), new CudaSwiGlu(library), new CudaResidualAdd(library)),
        new RowKernels(library),
        new Scratch(library.device()));
  }

  CudaDevice device() {
    return library.device();
  }

  /** A copy of bytes on the device; the caller closes it. */
  Buffer upload(ByteBuffer bytes) {
    Buffer buffer = device().allocate(bytes.remaining());
    try {
      device().write(buffer, 0, bytes);
      return buffer;
    } catch (RuntimeException e) {
      buffer.close();
      throw e;
    }
  }

  /** The weight of a norm as bf16; the caller closes its buffer. */
  Optional<RmsNorm.NormWeight> upload(String name, Optional<ProjectionSpec.Norm> norm, int k) {
    if (norm.isPresent() && k % 8 != 0) {
      throw new IllegalArgumentException(CudaModelErrors.hiddenColumns(name, k));
    }
    return norm.map(
        given ->
            new RmsNorm.NormWeight(upload(HostNumbers.bf16(given.weight())), k, given.epsilon()));
  }
}
