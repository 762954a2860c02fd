package org.sparkao.gpu.quantize;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.quant.observe.TensorRange;
import org.sparkao.quant.safetensors.DType;

/**
 * The range of finite numbers that lie on a GPU, which stays there: smallest and largest as whole
 * numbers in the order of floats. Work goes to the calling thread's stream.
 */
public final class RangeKeys implements AutoCloseable {
  private static final int BYTES = 2 * Integer.BYTES;

  private final KernelLibrary library;
  private final Buffer memory;
  private final Buffer keys;
  private final Buffer empty;

  /** An empty range on the device of a library. */
  public RangeKeys(KernelLibrary library) {
    this.library = library;
    CudaDevice device = library.device();
    this.memory = device.allocate(2L * BYTES);
    this.keys = memory.slice(0, BYTES);
    this.empty = memory.slice(BYTES, BYTES);
    try {
      device.write(empty, 0, bytes(Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY));
      clear();
    } catch (RuntimeException e) {
      memory.close();
      throw e;
    }
  }

  private static ByteBuffer bytes(float low, float high) {
    ByteBuffer bytes = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN);
    return bytes.putInt(key(low)).putInt(key(high)).flip();
  }

  private static int key(float value) {
    int bits = Float.floatToRawIntBits(value);
    return bits < 0 ? bits ^ Integer.MAX_VALUE : bits;
  }

  /** Makes it empty. */
  public void clear() {
    library.device().stream().copy(empty, keys);
  }

  /** Extends it by {@code count} numbers in fp32. */
  public void add(Buffer numbers, long count) {
    QuantizeKernels.range(library, DType.F32, numbers, keys, count);
  }

  /** Makes it one that is known. */
  public void set(TensorRange range) {
    library.device().write(keys, 0, bytes(range.min(), range.max()));
  }

  /** Where it lies: two of 32 bits. */
  public Buffer buffer() {
    return keys;
  }

  @Override
  public void close() {
    memory.close();
  }
}
