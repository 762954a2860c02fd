package org.sparkao.gpu.model.cuda;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.sparkao.gpu.model.StoredTensor;
import org.sparkao.quant.format.NumberFormats;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.safetensors.DType;

/** Numbers of a checkpoint as bf16 or fp32, little endian. */
final class HostNumbers {
  private HostNumbers() {}

  /** As fp32, exactly. */
  static ByteBuffer floats(StoredTensor tensor) {
    ByteBuffer stored = stored(tensor);
    return tensor.dtype() == DType.F32 ? stored : floats(stored, tensor.dtype());
  }

  /** Numbers of a type as fp32. */
  static ByteBuffer floats(ByteBuffer stored, DType type) {
    int count = Math.toIntExact(stored.remaining() / type.bytes(1));
    ByteBuffer all = allocate(Float.BYTES * (long) count);
    for (int i = 0; i < count; i++) {
      all.putFloat(number(stored, type, i));
    }
    return all.flip();
  }

  /** As bf16, rounded to nearest even. */
  static ByteBuffer bf16(StoredTensor tensor) {
    ByteBuffer stored = stored(tensor);
    return tensor.dtype() == DType.BF16 ? stored : bf16(stored, tensor.dtype());
  }

  /** Numbers of a type as bf16. */
  static ByteBuffer bf16(ByteBuffer stored, DType type) {
    int count = Math.toIntExact(stored.remaining() / type.bytes(1));
    ByteBuffer all = allocate(Short.BYTES * (long) count);
    for (int i = 0; i < count; i++) {
      float rounded = WeightType.BF16.round(number(stored, type, i));
      all.putShort((short) (Float.floatToRawIntBits(rounded) >>> Short.SIZE));
    }
    return all.flip();
  }

  /** All bytes as they are. */
  static ByteBuffer stored(StoredTensor tensor) {
    return tensor.bytes().get().order(ByteOrder.LITTLE_ENDIAN);
  }

  static ByteBuffer allocate(long bytes) {
    return ByteBuffer.allocate(Math.toIntExact(bytes)).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static float number(ByteBuffer stored, DType type, int i) {
    return switch (type) {
      case F32 -> stored.getFloat(Float.BYTES * i);
      case BF16 -> Float.intBitsToFloat(stored.getShort(Short.BYTES * i) << Short.SIZE);
      case F16 -> NumberFormats.FP16.decode(stored.getShort(Short.BYTES * i) & 0xFFFF);
      default -> throw new IllegalArgumentException(CudaModelErrors.tableType("a tensor", type));
    };
  }
}
