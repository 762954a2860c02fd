package org.sparkao.gpu.device;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.IntSupplier;
import java.util.function.Supplier;
import jcuda.Pointer;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;
import org.sparkao.gpu.GpuErrors;
import org.sparkao.gpu.GpuException;
import org.sparkao.gpu.OutOfDeviceMemoryException;

/**
 * A GPU, through its primary context: all of a JVM share it. Any thread may use the device; work
 * goes to the stream of the calling thread, which is the device's own unless {@link #on} binds
 * another. What is taken from it is freed by its own {@code close()}, at the latest by the
 * device's.
 */
public final class CudaDevice implements Device {
  private static final int STAGING_BYTES = 1 << 20;

  private final DeviceInfo info;
  private final MemoryBudget budget;
  private final CUdevice handle;
  private final CUcontext context = new CUcontext();
  private final Set<Owned> owned = ConcurrentHashMap.newKeySet();
  private final ThreadLocal<CudaStream> bound = new ThreadLocal<>();
  private final ThreadLocal<Boolean> capturing = ThreadLocal.withInitial(() -> false);
  private final ThreadLocal<ByteBuffer> staging =
      ThreadLocal.withInitial(() -> ByteBuffer.allocateDirect(STAGING_BYTES));
  private CudaStream own;
  private volatile boolean closed;

  private CudaDevice(DeviceInfo info, MemoryBudget budget, CUdevice handle) {
    this.info = info;
    this.budget = budget;
    this.handle = handle;
  }

  /**
   * Opens a GPU. The caller closes it.
   *
   * @param ordinal the driver's number of it
   * @throws GpuException when {@link Devices#probe()} does not list it, with the reason
   */
  public static CudaDevice open(int ordinal, MemoryBudget budget) {
    DeviceInfo info = Devices.probe().require(ordinal);
    CudaDevice device = new CudaDevice(info, budget, Devices.device(ordinal));
    CudaCheck.check(
        info.label(),
        "cuDevicePrimaryCtxRetain",
        JCudaDriver.cuDevicePrimaryCtxRetain(device.context, device.handle));
    try {
      device.own = device.newStream();
    } catch (RuntimeException e) {
      device.close();
      throw e;
    }
    return device;
  }

  /** For {@code module}: the address of a buffer of a GPU, as a number. */
  public static long address(Buffer buffer) {
    if (buffer.device() instanceof CudaDevice) {
      return buffer.address();
    }
    throw new GpuException(GpuErrors.otherDevice(buffer.device().info().label(), "a GPU"));
  }

  @Override
  public DeviceInfo info() {
    return info;
  }

  @Override
  public MemoryBudget budget() {
    return budget;
  }

  @Override
  public Buffer allocate(long bytes) {
    Ranges.checkSize(bytes);
    refuseDuringCapture("an allocation");
    if (!budget.reserve(bytes)) {
      throw new OutOfDeviceMemoryException(
          GpuErrors.overBudget(info.label(), bytes, budget.inUse(), budget.bytes()));
    }
    DevicePointer base = new DevicePointer();
    int[] result = {CUresult.CUDA_ERROR_UNKNOWN};
    try {
      call(
          "cuMemAlloc",
          () -> {
            result[0] = JCudaDriver.cuMemAlloc(base, bytes);
            return result[0] == CUresult.CUDA_ERROR_OUT_OF_MEMORY
                ? CUresult.CUDA_SUCCESS
                : result[0];
          });
    } finally {
      if (result[0] != CUresult.CUDA_SUCCESS) {
        budget.release(bytes);
      }
    }
    if (result[0] != CUresult.CUDA_SUCCESS) {
      throw new OutOfDeviceMemoryException(
          GpuErrors.deviceFull(info.label(), bytes, budget.inUse(), memoryLeft()));
    }
    return CudaBuffer.of(own(new CudaMemory(this, base, bytes)), bytes);
  }

  /** Takes memory of the host that copies beside other work can use. The caller closes it. */
  public PinnedBuffer allocatePinned(int bytes) {
    refuseDuringCapture("an allocation");
    return PinnedBuffer.allocate(this, bytes);
  }

  @Override
  public void write(Buffer to, long offset, ByteBuffer from) {
    Ranges.check("a write", offset, from.remaining(), to.bytes());
    refuseDuringCapture("a write");
    ByteBuffer rest = from.duplicate();
    while (rest.hasRemaining()) {
      ByteBuffer piece = rest.isDirect() ? rest.slice() : staged(rest.remaining());
      if (!rest.isDirect()) {
        piece.put(rest.slice().limit(piece.capacity())).flip();
      }
      DevicePointer target = pointer(to, offset + rest.position() - from.position());
      call(
          "cuMemcpyHtoDAsync",
          () ->
              JCudaDriver.cuMemcpyHtoDAsync(
                  target, Pointer.to(piece), piece.capacity(), stream().handle()));
      stream().synchronize();
      rest.position(rest.position() + piece.capacity());
    }
  }

  @Override
  public void read(Buffer from, long offset, ByteBuffer to) {
    Ranges.check("a read", offset, to.remaining(), from.bytes());
    refuseDuringCapture("a read");
    ByteBuffer rest = to.duplicate();
    while (rest.hasRemaining()) {
      ByteBuffer piece = rest.isDirect() ? rest.slice() : staged(rest.remaining());
      DevicePointer source = pointer(from, offset + rest.position() - to.position());
      call(
          "cuMemcpyDtoHAsync",
          () ->
              JCudaDriver.cuMemcpyDtoHAsync(
                  Pointer.to(piece), source, piece.capacity(), stream().handle()));
      stream().synchronize();
      if (rest.isDirect()) {
        rest.position(rest.position() + piece.capacity());
      } else {
        rest.put(piece);
      }
    }
  }

  /** The stream that the calling thread's work goes to. */
  public CudaStream stream() {
    CudaStream mine = bound.get();
    return mine == null ? own : mine;
  }

  /** A stream beside the others. The caller closes it. */
  public CudaStream newStream() {
    return CudaStream.create(this);
  }

  /** An event, not recorded yet. The caller closes it. */
  public CudaEvent newEvent() {
    return CudaEvent.create(this);
  }

  /** Runs {@code work} in this thread with a stream as the one that its launches go to. */
  public void on(CudaStream stream, Runnable work) {
    CudaStream before = bound.get();
    bound.set(stream);
    try {
      work.run();
    } finally {
      if (before == null) {
        bound.remove();
      } else {
        bound.set(before);
      }
    }
  }

  /**
   * Captures what {@code work} launches into this thread's stream, instead of running it. Memory is
   * taken, written and read outside: {@code work} only launches. The caller closes the graph.
   */
  public CudaGraph capture(Runnable work) {
    refuseDuringCapture("a capture");
    return CudaGraph.capture(
        this,
        stream(),
        () -> {
          capturing.set(true);
          try {
            work.run();
          } finally {
            capturing.remove();
          }
        });
  }

  @Override
  public void synchronize() {
    stream().synchronize();
  }

  /**
   * For {@code module}: calls the driver with this device's context, and checks what it returns.
   */
  public void call(String what, IntSupplier driverCall) {
    call(() -> what, driverCall);
  }

  /** For {@code module}: the same, where the text is made only for an error. */
  public void call(Supplier<String> what, IntSupplier driverCall) {
    if (closed) {
      throw new GpuException(GpuErrors.closed(info.label()));
    }
    int current = JCudaDriver.cuCtxSetCurrent(context);
    int result = current == CUresult.CUDA_SUCCESS ? driverCall.getAsInt() : current;
    if (result != CUresult.CUDA_SUCCESS) {
      CudaCheck.check(info.label(), what.get(), result);
    }
  }

  /** Whether {@link #close()} is still to come. */
  public boolean isOpen() {
    return !closed;
  }

  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    RuntimeException failure = null;
    for (Owned one : List.copyOf(owned)) {
      try {
        one.close();
      } catch (RuntimeException e) {
        failure = e;
      }
    }
    closed = true;
    int released = JCudaDriver.cuDevicePrimaryCtxRelease(handle);
    if (failure != null) {
      throw failure;
    }
    CudaCheck.check(info.label(), "cuDevicePrimaryCtxRelease", released);
  }

  /** Notes that something must be freed before the context goes. */
  <T extends Owned> T own(T one) {
    owned.add(one);
    return one;
  }

  /** Whether the driver still has it; true once. */
  boolean forget(Owned one) {
    return owned.remove(one) && !closed;
  }

  /** Refuses what would break a capture of the calling thread. */
  void refuseDuringCapture(String what) {
    if (capturing.get()) {
      throw new GpuException(GpuErrors.duringCapture(what));
    }
  }

  private DevicePointer pointer(Buffer buffer, long offset) {
    return new DevicePointer(CudaBuffer.pointer(buffer, this), offset);
  }

  /** A direct buffer of the calling thread, at most as large as wanted. */
  private ByteBuffer staged(int wanted) {
    return staging.get().slice(0, Math.min(wanted, STAGING_BYTES));
  }

  /** Bytes of its memory that nobody uses, this JVM or another program. */
  public long freeBytes() {
    return memory()[0];
  }

  private String memoryLeft() {
    long[] memory = memory();
    return String.format(Locale.ROOT, "%,d of %,d bytes of the device free", memory[0], memory[1]);
  }

  /** Free bytes and all bytes. */
  private long[] memory() {
    long[] free = new long[1];
    long[] total = new long[1];
    call("cuMemGetInfo", () -> JCudaDriver.cuMemGetInfo(free, total));
    return new long[] {free[0], total[0]};
  }
}
