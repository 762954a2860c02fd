package org.sparkao.gpu.gemm;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.device.Device;
import org.sparkao.gpu.device.MemoryBudget;
import org.sparkao.gpu.module.KernelLibrary;

/** A device with what tests put on it and read from it. */
final class GemmDevice implements AutoCloseable {
  private static final long BUDGET = 8L << 30;
  private static final int GUARD = 256;

  private final Device device;
  private final Optional<KernelLibrary> library;

  private GemmDevice(Device device, Optional<KernelLibrary> library) {
    this.device = device;
    this.library = library;
  }

  static GemmDevice cpu() {
    return new GemmDevice(CpuDevice.open(), Optional.empty());
  }

  static GemmDevice gpu() {
    CudaDevice device = CudaDevice.open(0, MemoryBudget.of(BUDGET));
    return new GemmDevice(device, Optional.of(KernelLibrary.of(device)));
  }

  KernelLibrary library() {
    return library.orElseThrow();
  }

  Device device() {
    return device;
  }

  /** Y of {@code m} rows from {@code first} on; nothing around it or the workspace is written. */
  byte[] multiply(
      PrefillGemm products, GemmWeights weights, GemmOnDevice operands, int m, int first) {
    Gemm gemm = weights.gemm();
    try (Guarded y = guarded(gemm.bytesOfY(m));
        Guarded workspace = guarded(products.workspaceBytes(gemm, m))) {
      products.multiply(weights, operands.call(m, first, y.buffer()), workspace.buffer());
      workspace.read();
      return y.read();
    }
  }

  /** Memory of NaN between guards. */
  Guarded guarded(long bytes) {
    byte[] nan = new byte[Math.toIntExact(bytes) + 2 * GUARD];
    Arrays.fill(nan, (byte) 0xFF);
    return new Guarded(bytes(nan), bytes);
  }

  Buffer bytes(byte[] values) {
    Buffer buffer = device.allocate(values.length);
    device.write(buffer, 0, ByteBuffer.wrap(values));
    return buffer;
  }

  Buffer floats(float... values) {
    ByteBuffer bytes =
        ByteBuffer.allocate(Float.BYTES * values.length).order(ByteOrder.LITTLE_ENDIAN);
    for (float value : values) {
      bytes.putFloat(value);
    }
    return bytes(bytes.array());
  }

  byte[] read(Buffer buffer) {
    byte[] values = new byte[Math.toIntExact(buffer.bytes())];
    device.read(buffer, 0, ByteBuffer.wrap(values));
    return values;
  }

  @Override
  public void close() {
    library.ifPresent(KernelLibrary::close);
    device.close();
  }

  /** Memory whose neighbours must not be written. */
  final class Guarded implements AutoCloseable {
    private final Buffer whole;
    private final Buffer inner;

    Guarded(Buffer whole, long bytes) {
      this.whole = whole;
      this.inner = whole.slice(GUARD, bytes);
    }

    Buffer buffer() {
      return inner;
    }

    /** The bytes, after a look at the guards. */
    byte[] read() {
      byte[] all = GemmDevice.this.read(whole);
      byte[] guards = new byte[2 * GUARD];
      System.arraycopy(all, 0, guards, 0, GUARD);
      System.arraycopy(all, all.length - GUARD, guards, GUARD, GUARD);
      assertThat(guards).containsOnly(0xFF);
      return Arrays.copyOfRange(all, GUARD, all.length - GUARD);
    }

    @Override
    public void close() {
      whole.close();
    }
  }
}
