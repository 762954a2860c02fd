package org.sparkao.jobs.gpu;

import java.util.List;
import org.sparkao.gpu.GpuErrors;
import org.sparkao.gpu.device.DeviceInfo;
import org.sparkao.gpu.device.DeviceProbe;
import org.sparkao.gpu.device.Devices;
import org.sparkao.gpu.module.KernelLibrary;

/**
 * What a look at the GPUs of a machine finds. Takes nothing from them.
 *
 * @param devices those that kernels run on
 * @param summary one line: driver and devices, or why there is none and the way out
 */
record GpuSight(List<DeviceInfo> devices, String summary) {

  GpuSight {
    devices = List.copyOf(devices);
  }

  /**
   * Looks at this machine.
   *
   * @param operation the kernels that will be needed
   */
  static GpuSight of(String operation) {
    if (!KernelLibrary.built(operation)) {
      return new GpuSight(List.of(), GpuErrors.noKernels(operation));
    }
    DeviceProbe probe = Devices.probe();
    return new GpuSight(probe.devices(), probe.summary());
  }
}
