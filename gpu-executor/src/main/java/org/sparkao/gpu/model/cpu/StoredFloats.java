package org.sparkao.gpu.model.cpu;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.sparkao.gpu.model.StoredTensor;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.safetensors.DType;

/** The numbers of a stored BF16, F16 or F32 tensor, some at a time. */
final class StoredFloats {
  private final ByteBuffer bytes;
  private final WeightType type;
  private byte[] piece = {};

  private StoredFloats(ByteBuffer bytes, WeightType type) {
    this.bytes = bytes.order(ByteOrder.LITTLE_ENDIAN);
    this.type = type;
  }

  static StoredFloats of(StoredTensor tensor) {
    return of(tensor.bytes().get(), tensor.dtype());
  }

  static StoredFloats of(ByteBuffer bytes, DType dtype) {
    return new StoredFloats(bytes, WeightType.valueOf(dtype.name()));
  }

  /** All of a small tensor. */
  static float[] all(StoredTensor tensor) {
    StoredFloats numbers = of(tensor);
    float[] all = new float[numbers.bytes.remaining() / numbers.type.bytes()];
    numbers.next(all);
    return all;
  }

  /** Fills an array with the numbers that follow. */
  void next(float[] to) {
    if (type == WeightType.F32) {
      bytes.asFloatBuffer().get(to);
      bytes.position(bytes.position() + Float.BYTES * to.length);
      return;
    }
    if (piece.length != Short.BYTES * to.length) {
      piece = new byte[Short.BYTES * to.length];
    }
    bytes.get(piece);
    for (int i = 0; i < to.length; i++) {
      to[i] = type.read(piece, Short.BYTES * i);
    }
  }
}
