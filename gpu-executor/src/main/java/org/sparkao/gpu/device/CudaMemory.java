package org.sparkao.gpu.device;

import jcuda.driver.JCudaDriver;

/** One allocation on a device. */
final class CudaMemory extends Owned {
  private final DevicePointer base;
  private final long bytes;

  CudaMemory(CudaDevice device, DevicePointer base, long bytes) {
    super(device);
    this.base = base;
    this.bytes = bytes;
  }

  /** The address of a byte. */
  DevicePointer pointer(long offset) {
    requireOpen();
    return new DevicePointer(base, offset);
  }

  @Override
  void free() {
    try {
      device().call("cuMemFree", () -> JCudaDriver.cuMemFree(base));
    } finally {
      device().budget().release(bytes);
    }
  }

  @Override
  public String toString() {
    return "a buffer of " + bytes + " bytes";
  }
}
