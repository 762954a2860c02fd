package org.sparkao.gpu.device;

import jcuda.driver.CUdeviceptr;

/** A device address that can be read as a number, which JCuda keeps to itself. */
final class DevicePointer extends CUdeviceptr {
  DevicePointer() {}

  /** An address behind another. */
  DevicePointer(DevicePointer base, long offset) {
    super(base, offset);
  }

  long address() {
    return getNativePointer() + getByteOffset();
  }
}
