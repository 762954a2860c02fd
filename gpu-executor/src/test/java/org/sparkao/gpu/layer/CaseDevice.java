package org.sparkao.gpu.layer;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.device.Device;
import org.sparkao.gpu.device.MemoryBudget;
import org.sparkao.gpu.module.KernelLibrary;

/** A device with what tests put on it and read from it. */
final class CaseDevice implements AutoCloseable {
  private static final long BUDGET = 4L << 30;

  private final Device device;
  private final Optional<KernelLibrary> library;

  private CaseDevice(Device device, Optional<KernelLibrary> library) {
    this.device = device;
    this.library = library;
  }

  static CaseDevice cpu() {
    return new CaseDevice(CpuDevice.open(), Optional.empty());
  }

  static CaseDevice gpu() {
    CudaDevice device = CudaDevice.open(0, MemoryBudget.of(BUDGET));
    return new CaseDevice(device, Optional.of(KernelLibrary.of(device)));
  }

  KernelLibrary library() {
    return library.orElseThrow();
  }

  Device device() {
    return device;
  }

  /** Normal numbers, rounded to bf16. */
  static float[] normal(long count, long seed) {
    Random random = new Random(seed);
    float[] values = new float[Math.toIntExact(count)];
    for (int i = 0; i < values.length; i++) {
      values[i] = Bf16Array.round(random.nextGaussian());
    }
    return values;
  }

  /** A buffer of NaN. */
  Buffer empty(long bytes) {
    Buffer buffer = device.allocate(bytes);
    poison(buffer);
    return buffer;
  }

  /** Fills a buffer with NaN. */
  void poison(Buffer buffer) {
    byte[] nan = new byte[Math.toIntExact(buffer.bytes())];
    Arrays.fill(nan, (byte) 0xFF);
    device.write(buffer, 0, ByteBuffer.wrap(nan));
  }

  Buffer emptyBf16(long count) {
    return empty(Short.BYTES * count);
  }

  Buffer bytes(byte[] values) {
    Buffer buffer = device.allocate(values.length);
    device.write(buffer, 0, ByteBuffer.wrap(values));
    return buffer;
  }

  Buffer bf16(float... values) {
    ByteBuffer bytes = allocate(Short.BYTES * values.length);
    for (float value : values) {
      bytes.putShort((short) (Float.floatToRawIntBits(value) >>> 16));
    }
    return bytes(bytes.array());
  }

  Buffer floats(float... values) {
    ByteBuffer bytes = allocate(Float.BYTES * values.length);
    for (float value : values) {
      bytes.putFloat(value);
    }
    return bytes(bytes.array());
  }

  Buffer ints(int... values) {
    ByteBuffer bytes = allocate(Integer.BYTES * values.length);
    for (int value : values) {
      bytes.putInt(value);
    }
    return bytes(bytes.array());
  }

  byte[] readBytes(Buffer buffer) {
    byte[] values = new byte[Math.toIntExact(buffer.bytes())];
    device.read(buffer, 0, ByteBuffer.wrap(values));
    return values;
  }

  float[] readBf16(Buffer buffer) {
    ByteBuffer bytes = ByteBuffer.wrap(readBytes(buffer)).order(ByteOrder.LITTLE_ENDIAN);
    float[] values = new float[bytes.capacity() / Short.BYTES];
    for (int i = 0; i < values.length; i++) {
      values[i] = Float.intBitsToFloat(bytes.getShort(Short.BYTES * i) << 16);
    }
    return values;
  }

  float[] readFloats(Buffer buffer) {
    ByteBuffer bytes = ByteBuffer.wrap(readBytes(buffer)).order(ByteOrder.LITTLE_ENDIAN);
    float[] values = new float[bytes.capacity() / Float.BYTES];
    bytes.asFloatBuffer().get(values);
    return values;
  }

  int[] readInts(Buffer buffer) {
    ByteBuffer bytes = ByteBuffer.wrap(readBytes(buffer)).order(ByteOrder.LITTLE_ENDIAN);
    int[] values = new int[bytes.capacity() / Integer.BYTES];
    bytes.asIntBuffer().get(values);
    return values;
  }

  private static ByteBuffer allocate(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public void close() {
    library.ifPresent(KernelLibrary::close);
    device.close();
  }
}
