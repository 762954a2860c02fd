package org.sparkao.gpu.gemm;

import java.nio.ByteBuffer;
import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CpuDevice;

/** Plain Java. */
public final class ReferenceFp32Gemm implements Fp32Gemm {
  @Override
  public void multiply(Shape shape, Buffer x, Buffer w, Optional<Buffer> bias, Buffer y) {
    ByteBuffer left = CpuDevice.bytes(x);
    ByteBuffer right = CpuDevice.bytes(w);
    ByteBuffer result = CpuDevice.bytes(y);
    Optional<ByteBuffer> added = bias.map(CpuDevice::bytes);
    for (int row = 0; row < shape.m(); row++) {
      for (int column = 0; column < shape.n(); column++) {
        float sum = 0;
        for (int i = 0; i < shape.k(); i++) {
          sum =
              Math.fma(
                  element(left, (long) row * shape.k() + i),
                  element(right, (long) column * shape.k() + i),
                  sum);
        }
        long at = (long) row * shape.n() + column;
        float value = added.isPresent() ? sum + element(added.get(), column) : sum;
        GemmNumbers.write(result, ElementType.FP32, at, value);
      }
    }
  }

  private static float element(ByteBuffer bytes, long index) {
    return GemmNumbers.read(bytes, ElementType.FP32, index);
  }
}
