package org.sparkao.gpu.quantize;

import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.Quantizers;
import org.sparkao.quant.algorithm.WeightSpec;

/** One kernel for all schemes, in the calling thread's stream. */
public final class CudaWeightDequantizer implements WeightDequantizer {
  private final KernelLibrary library;

  /** On the device of a library. */
  public CudaWeightDequantizer(KernelLibrary library) {
    this.library = library;
  }

  @Override
  public void dequantize(QuantizeRequest request, List<Buffer> parts, Buffer out) {
    WeightSpec weight = request.weight();
    int columns = Math.toIntExact(weight.columns());
    DeviceScheme scheme = DeviceScheme.of(request);
    DeviceGrid grid = DeviceGrid.of(request.scheme().weights().granularity(), columns);
    OutputParts places = new OutputParts(weight, Quantizers.parts(request), grid.wholeTensor());
    MatrixOnDevice matrix =
        new MatrixOnDevice(
            Optional.empty(),
            parts.get(places.codes()),
            parts.get(places.scale()),
            scheme.asymmetric() ? Optional.of(parts.get(places.zeroPoint())) : Optional.empty(),
            Optional.empty(),
            scheme.hasFactor() ? Optional.of(parts.get(places.global())) : Optional.empty());
    new QuantizeKernels(library, weight.dtype(), scheme, grid)
        .dequantize(matrix, out, Math.toIntExact(weight.rows()), columns);
  }
}
