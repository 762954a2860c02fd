package org.sparkao.gpu.model;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.Device;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.safetensors.DType;

/** Puts unquantized tensors on a device, in the numbers of an arithmetic. */
final class TensorValues {
  private TensorValues() {}

  /** Numbers of a tensor, rounded once where the arithmetic has fewer bits; the caller closes. */
  static Buffer load(Device device, StoredTensor tensor, Arithmetic arithmetic) {
    ByteBuffer values = converted(tensor, arithmetic);
    Buffer buffer = device.allocate(values.remaining());
    device.write(buffer, 0, values);
    return buffer;
  }

  private static ByteBuffer converted(StoredTensor tensor, Arithmetic arithmetic) {
    ByteBuffer stored = tensor.bytes().get();
    if (tensor.dtype() == (arithmetic == Arithmetic.FP32 ? DType.F32 : DType.BF16)) {
      return stored;
    }
    WeightType from = WeightType.valueOf(tensor.dtype().name());
    WeightType to = arithmetic == Arithmetic.FP32 ? WeightType.F32 : WeightType.BF16;
    byte[] source = new byte[stored.remaining()];
    stored.get(source);
    int count = source.length / from.bytes();
    byte[] target = new byte[Math.multiplyExact(count, to.bytes())];
    for (int i = 0; i < count; i++) {
      to.write(to.round(from.read(source, i * from.bytes())), target, i * to.bytes());
    }
    return ByteBuffer.wrap(target).order(ByteOrder.LITTLE_ENDIAN);
  }
}
