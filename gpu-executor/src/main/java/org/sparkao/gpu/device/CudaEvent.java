package org.sparkao.gpu.device;

import jcuda.driver.CUevent;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;

/** A mark in a stream: reached when everything launched before it is done. */
public final class CudaEvent extends Owned {
  private final CUevent handle;

  private CudaEvent(CudaDevice device, CUevent handle) {
    super(device);
    this.handle = handle;
  }

  static CudaEvent create(CudaDevice device) {
    CUevent handle = new CUevent();
    device.call("cuEventCreate", () -> JCudaDriver.cuEventCreate(handle, 0));
    return device.own(new CudaEvent(device, handle));
  }

  /** Waits until it is reached; at once when it was never recorded. */
  public void synchronize() {
    device().call("cuEventSynchronize", () -> JCudaDriver.cuEventSynchronize(handle()));
  }

  /** Whether it is reached. */
  public boolean reached() {
    int[] state = new int[1];
    device()
        .call(
            "cuEventQuery",
            () -> {
              state[0] = JCudaDriver.cuEventQuery(handle());
              return state[0] == CUresult.CUDA_ERROR_NOT_READY ? CUresult.CUDA_SUCCESS : state[0];
            });
    return state[0] == CUresult.CUDA_SUCCESS;
  }

  /** Time on the device between two reached events, in nanoseconds, exact to half a microsecond. */
  public long nanosSince(CudaEvent earlier) {
    float[] milliseconds = new float[1];
    device()
        .call(
            "cuEventElapsedTime",
            () -> JCudaDriver.cuEventElapsedTime(milliseconds, earlier.handle(), handle()));
    return Math.round(milliseconds[0] * 1e6);
  }

  CUevent handle() {
    requireOpen();
    return handle;
  }

  @Override
  void free() {
    device().call("cuEventDestroy", () -> JCudaDriver.cuEventDestroy(handle));
  }

  @Override
  public String toString() {
    return "an event";
  }
}
