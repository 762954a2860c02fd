package org.sparkao.gpu.layer;

import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.device.Device;
import org.sparkao.gpu.gemm.CudaGemms;
import org.sparkao.gpu.gemm.DecodeGemm;
import org.sparkao.gpu.gemm.ReferenceDecodeGemm;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.quantize.ActivationQuantizer;
import org.sparkao.gpu.quantize.CudaActivationQuantizer;
import org.sparkao.gpu.quantize.ReferenceActivationQuantizer;

/**
 * What an {@link AttentionLayer} is made of, all on one device.
 *
 * @param device where memory is taken
 */
public record LayerOperators(
    Device device,
    ActivationQuantizer quantizer,
    DecodeGemm gemm,
    HeadPreparation heads,
    DecodeAttention attention) {

  /** The kernels for the device. */
  public static LayerOperators cuda(KernelLibrary library) {
    return new LayerOperators(
        library.device(),
        new CudaActivationQuantizer(library),
        CudaGemms.decode(library),
        new CudaHeadPreparation(library),
        new CudaDecodeAttention(library));
  }

  /** The references. */
  public static LayerOperators reference(CpuDevice device) {
    return new LayerOperators(
        device,
        new ReferenceActivationQuantizer(),
        new ReferenceDecodeGemm(),
        new ReferenceHeadPreparation(),
        new ReferenceDecodeAttention());
  }
}
