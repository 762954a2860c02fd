package org.sparkao.gpu.quantize;

import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.quant.safetensors.DType;

/**
 * One kernel a call: rows and groups stay in registers between their range and their codes. Every
 * launch is dependent (programmatic dependent launch).
 */
public final class CudaActivationQuantizer implements ActivationQuantizer {
  private static final int WARP = 32;
  private static final int NORM_WEIGHTS_A_THREAD = 16;

  private final KernelLibrary library;

  /** On the device of a library. */
  public CudaActivationQuantizer(KernelLibrary library) {
    this.library = library;
  }

  @Override
  public void quantizeRows(int m, int k, Codes kind, Buffer x, QuantizedRows out) {
    ActivationShapes.check(m, k, LARGEST_K);
    quantize(m, k, kind, x, out, new DeviceGrid(1, k, 1));
  }

  @Override
  public void quantizeGroups(int m, int k, Codes kind, Buffer x, QuantizedRows out) {
    ActivationShapes.check(m, k, GROUP, Integer.MAX_VALUE);
    quantize(m, k, kind, x, out, new DeviceGrid(1, GROUP, k / GROUP));
  }

  @Override
  public void quantizeNormalizedRows(int m, int k, Buffer x, NormWeight weight, QuantizedRows out) {
    ActivationShapes.check(m, k, LARGEST_NORMALIZED_K);
    library
        .kernel(QuantizeKernels.OP, "quantize_rmsnorm_fp8_bf16")
        .launch(m + "x" + k)
        .grid(m)
        .block((k - 1) / (NORM_WEIGHTS_A_THREAD * WARP) * WARP + WARP)
        .dependent()
        .with(x)
        .with(weight.values())
        .with(out.codes())
        .with(out.scales())
        .with(m)
        .with(k)
        .with(weight.epsilon())
        .run();
  }

  private void quantize(int m, int k, Codes kind, Buffer x, QuantizedRows out, DeviceGrid grid) {
    DeviceScheme.Format format =
        kind == Codes.INT8 ? DeviceScheme.Format.INTEGER : DeviceScheme.Format.E4M3;
    MatrixOnDevice matrix =
        new MatrixOnDevice(
            Optional.of(x),
            out.codes(),
            out.scales(),
            Optional.empty(),
            Optional.empty(),
            Optional.empty());
    new QuantizeKernels(library, DType.BF16, DeviceScheme.activations(format), grid)
        .dependent()
        .quantize(matrix, m, k);
  }
}
