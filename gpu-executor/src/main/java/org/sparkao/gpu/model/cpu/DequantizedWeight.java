package org.sparkao.gpu.model.cpu;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.model.LinearWeight;
import org.sparkao.gpu.model.StoredTensor;
import org.sparkao.gpu.quantize.ReferenceWeightDequantizer;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.safetensors.DType;

/** The numbers of a weight [N, K], whatever its form, as its loader makes them. */
final class DequantizedWeight {
  private DequantizedWeight() {}

  /** Row after row. */
  static StoredFloats open(LinearWeight weight) {
    if (weight.form() instanceof LinearWeight.Plain plain) {
      return StoredFloats.of(plain.values());
    }
    LinearWeight.Quantized quantized = (LinearWeight.Quantized) weight.form();
    QuantizeRequest request = quantized.request();
    DType dtype = request.weight().dtype();
    try (CpuDevice device = CpuDevice.open()) {
      List<Buffer> parts = new ArrayList<>();
      for (StoredTensor part : quantized.parts()) {
        parts.add(copy(device, part.bytes().get()));
      }
      Buffer out = device.allocate(dtype.bytes((long) weight.n() * weight.k()));
      new ReferenceWeightDequantizer().dequantize(request, parts, out);
      return StoredFloats.of(CpuDevice.bytes(out), dtype);
    }
  }

  private static Buffer copy(CpuDevice device, ByteBuffer bytes) {
    Buffer buffer = device.allocate(bytes.remaining());
    device.write(buffer, 0, bytes);
    return buffer;
  }
}
