package org.sparkao.gpu.device;

import jcuda.driver.CUstream;
import jcuda.driver.CUstream_flags;
import jcuda.driver.JCudaDriver;

/**
 * An order of work on a device: what is launched into one stream runs in that order, streams run
 * beside each other. All methods but {@link #synchronize()} return before the work is done.
 */
public final class CudaStream extends Owned {
  private final Handle handle;
  private volatile Object lastLaunch = "none";

  private CudaStream(CudaDevice device, Handle handle) {
    super(device);
    this.handle = handle;
  }

  static CudaStream create(CudaDevice device) {
    Handle handle = new Handle();
    device.call(
        "cuStreamCreate",
        () -> JCudaDriver.cuStreamCreate(handle, CUstream_flags.CU_STREAM_NON_BLOCKING));
    return device.own(new CudaStream(device, handle));
  }

  /**
   * Copies pinned memory to the device. {@code from} may be reused when an event recorded behind
   * the copy is reached. Both have the same size: take slices.
   */
  public void upload(PinnedBuffer from, Buffer to) {
    checkSizes(from.bytes(), to.bytes());
    DevicePointer target = CudaBuffer.pointer(to, device());
    device()
        .call(
            "cuMemcpyHtoDAsync",
            () -> JCudaDriver.cuMemcpyHtoDAsync(target, from.pointer(), to.bytes(), handle()));
  }

  /**
   * Copies memory of the device to pinned memory; the bytes are there when an event recorded behind
   * the copy is reached. Both have the same size: take slices.
   */
  public void download(Buffer from, PinnedBuffer to) {
    checkSizes(from.bytes(), to.bytes());
    DevicePointer source = CudaBuffer.pointer(from, device());
    device()
        .call(
            "cuMemcpyDtoHAsync",
            () -> JCudaDriver.cuMemcpyDtoHAsync(to.pointer(), source, from.bytes(), handle()));
  }

  /** Copies within the device, between two buffers of the same size that do not overlap. */
  public void copy(Buffer from, Buffer to) {
    checkSizes(from.bytes(), to.bytes());
    DevicePointer source = CudaBuffer.pointer(from, device());
    DevicePointer target = CudaBuffer.pointer(to, device());
    device()
        .call(
            "cuMemcpyDtoDAsync",
            () -> JCudaDriver.cuMemcpyDtoDAsync(target, source, from.bytes(), handle()));
  }

  /** Sets every byte of a buffer. */
  public void fill(Buffer buffer, byte value) {
    DevicePointer target = CudaBuffer.pointer(buffer, device());
    device()
        .call(
            "cuMemsetD8Async",
            () -> JCudaDriver.cuMemsetD8Async(target, value, buffer.bytes(), handle()));
  }

  /** Marks this point of the stream. */
  public void record(CudaEvent event) {
    device().call("cuEventRecord", () -> JCudaDriver.cuEventRecord(event.handle(), handle()));
  }

  /** Holds what is launched from now on until the event is reached, on whatever stream it is. */
  public void waitFor(CudaEvent event) {
    device()
        .call(
            "cuStreamWaitEvent", () -> JCudaDriver.cuStreamWaitEvent(handle(), event.handle(), 0));
  }

  /** Waits until everything launched into this stream is done. */
  public void synchronize() {
    device().refuseDuringCapture("synchronize");
    device()
        .call(
            () -> "cuStreamSynchronize (last launch: " + lastLaunch + ")",
            () -> JCudaDriver.cuStreamSynchronize(handle()));
  }

  /** For {@code module}: what errors of the stream name, made a text only then. */
  public void launched(Object launch) {
    lastLaunch = launch;
  }

  /** For {@code module}: the driver's handle, as a number. */
  public long address() {
    requireOpen();
    return handle.address();
  }

  CUstream handle() {
    requireOpen();
    return handle;
  }

  private static void checkSizes(long from, long to) {
    if (from != to) {
      throw new IllegalArgumentException("a copy of " + from + " bytes to " + to + " bytes");
    }
  }

  @Override
  void free() {
    device().call("cuStreamDestroy", () -> JCudaDriver.cuStreamDestroy(handle));
  }

  @Override
  public String toString() {
    return "a stream";
  }

  /** A handle that can be read as a number, which JCuda keeps to itself. */
  private static final class Handle extends CUstream {
    long address() {
      return getNativePointer();
    }
  }
}
