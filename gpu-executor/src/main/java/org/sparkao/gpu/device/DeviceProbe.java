package org.sparkao.gpu.device;

import java.util.List;
import org.sparkao.gpu.GpuErrors;
import org.sparkao.gpu.GpuException;

/** Whether this machine has GPUs that kernels of this build run on. */
public sealed interface DeviceProbe {
  /** The usable GPUs, in the driver's order; none when CUDA cannot be used. */
  List<DeviceInfo> devices();

  /** One line for people: the driver and the devices, or why there is none and the way out. */
  String summary();

  /**
   * A usable GPU.
   *
   * @throws GpuException with the reason, when it cannot be used
   */
  default DeviceInfo require(int ordinal) {
    return devices().stream()
        .filter(device -> device.ordinal() == ordinal)
        .findFirst()
        .orElseThrow(() -> new GpuException(absence(ordinal)));
  }

  /** Why a device is not in the list. */
  private String absence(int ordinal) {
    return devices().isEmpty() ? summary() : GpuErrors.noSuchDevice(ordinal, summary());
  }

  /**
   * CUDA can be used.
   *
   * @param devices at least one
   * @param driver such as {@code CUDA 13.0, driver 580.159.04}
   */
  record Available(List<DeviceInfo> devices, String driver) implements DeviceProbe {
    /** Copies the list. */
    public Available {
      devices = List.copyOf(devices);
    }

    @Override
    public String summary() {
      return driver + ": " + String.join(", ", devices.stream().map(DeviceInfo::label).toList());
    }
  }

  /**
   * CUDA cannot be used.
   *
   * @param reason what is missing and the way out
   */
  record Unavailable(String reason) implements DeviceProbe {
    @Override
    public List<DeviceInfo> devices() {
      return List.of();
    }

    @Override
    public String summary() {
      return reason;
    }
  }
}
