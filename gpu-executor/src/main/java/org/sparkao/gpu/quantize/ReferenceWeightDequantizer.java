package org.sparkao.gpu.quantize;

import java.nio.ByteBuffer;
import java.util.List;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.quant.algorithm.QuantizeRequest;

/** {@link StoredWeight} on a {@link CpuDevice}, one weight after the other. */
public final class ReferenceWeightDequantizer implements WeightDequantizer {

  @Override
  public void dequantize(QuantizeRequest request, List<Buffer> parts, Buffer out) {
    StoredWeight stored = StoredWeight.of(request, parts.stream().map(CpuDevice::bytes).toList());
    ByteBuffer target = CpuDevice.bytes(out);
    int columns = Math.toIntExact(request.weight().columns());
    byte[] row = new byte[Math.toIntExact(request.weight().rowBytes())];
    float[] values = new float[columns];
    for (int i = 0; i < request.weight().rows(); i++) {
      stored.dequantize(i, 1, values, 0);
      for (int j = 0; j < columns; j++) {
        stored.type().write(values[j], row, j * stored.type().bytes());
      }
      target.put(row);
    }
  }
}
