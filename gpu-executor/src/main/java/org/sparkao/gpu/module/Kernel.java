package org.sparkao.gpu.module;

import java.util.List;
import jcuda.driver.CUfunction;
import jcuda.driver.CUfunction_attribute;
import jcuda.driver.CUmodule;
import jcuda.driver.JCudaDriver;
import org.sparkao.gpu.device.CudaDevice;

/** A function of a device that can be launched. Any thread may launch it. */
public final class Kernel {
  private final CudaDevice device;
  private final String name;
  private final Handle handle;
  private final List<Integer> parameterBytes;
  private int sharedLimit;

  private Kernel(CudaDevice device, String name, Handle handle, List<Integer> parameterBytes) {
    this.device = device;
    this.name = name;
    this.handle = handle;
    this.parameterBytes = parameterBytes;
  }

  static Kernel find(CudaDevice device, CUmodule module, String op, String function) {
    Handle handle = new Handle();
    device.call(
        "looking for kernel " + function + " of " + op,
        () -> JCudaDriver.cuModuleGetFunction(handle, module, function));
    return new Kernel(device, function, handle, DriverLibrary.parameterBytes(handle.address()));
  }

  /**
   * Begins a launch.
   *
   * @param what shape and configuration, as an error shall name them
   */
  public Launch launch(String what) {
    return new Launch(this, what);
  }

  /** The {@code extern "C"} name. */
  public String name() {
    return name;
  }

  CudaDevice device() {
    return device;
  }

  long address() {
    return handle.address();
  }

  /** Size of each parameter, in order. */
  List<Integer> parameterBytes() {
    return parameterBytes;
  }

  /** Allows blocks so much dynamic shared memory; beyond 48 KB the driver wants to be told. */
  synchronized void allowShared(int bytes, String launch) {
    if (bytes > sharedLimit) {
      device.call(
          "allowing dynamic shared memory for " + launch,
          () ->
              JCudaDriver.cuFuncSetAttribute(
                  handle,
                  CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                  bytes));
      sharedLimit = bytes;
    }
  }

  /** A handle that can be read as a number, which JCuda keeps to itself. */
  private static final class Handle extends CUfunction {
    long address() {
      return getNativePointer();
    }
  }
}
