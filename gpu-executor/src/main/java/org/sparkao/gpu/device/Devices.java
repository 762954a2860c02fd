package org.sparkao.gpu.device;

import static jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR;
import static jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR;
import static jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH;
import static jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE;
import static jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import jcuda.driver.CUdevice;
import jcuda.driver.JCudaDriver;
import org.sparkao.gpu.GpuErrors;
import org.sparkao.gpu.GpuException;

/** The GPUs of this machine. */
public final class Devices {
  /** The oldest architecture that the PTX of this build is for: compute capability 8.0. */
  private static final int NEEDED_CAPABILITY = 80;

  private static final int NAME_BYTES = 256;

  private Devices() {}

  /**
   * What planning asks, once a run: usable GPUs, or the reason why there is none. Makes no context
   * and takes no memory of a device. Never throws.
   */
  public static DeviceProbe probe() {
    try {
      int version = Driver.start();
      List<DeviceInfo> usable = new ArrayList<>();
      DeviceInfo refused = null;
      for (int ordinal = 0; ordinal < count(); ordinal++) {
        CUdevice device = device(ordinal);
        DeviceInfo info = info(device, ordinal);
        if (capability(device) >= NEEDED_CAPABILITY) {
          usable.add(info);
        } else {
          refused = info;
        }
      }
      return usable.isEmpty() && refused != null
          ? new DeviceProbe.Unavailable(
              GpuErrors.oldArchitecture(refused.label(), "sm_" + NEEDED_CAPABILITY))
          : new DeviceProbe.Available(usable, Driver.label(version));
    } catch (GpuException e) {
      return new DeviceProbe.Unavailable(e.getMessage());
    }
  }

  /**
   * Libraries whose native part this build lacks for this machine, such as JCuda on another
   * processor than x86-64. Loads nothing.
   */
  public static List<String> missingNatives() {
    return NativeLibraries.missing();
  }

  /** The driver's handle of a device. */
  static CUdevice device(int ordinal) {
    CUdevice device = new CUdevice();
    check("cuDeviceGet", JCudaDriver.cuDeviceGet(device, ordinal));
    return device;
  }

  private static int count() {
    int[] count = new int[1];
    check("cuDeviceGetCount", JCudaDriver.cuDeviceGetCount(count));
    return count[0];
  }

  private static DeviceInfo info(CUdevice device, int ordinal) {
    byte[] name = new byte[NAME_BYTES];
    check("cuDeviceGetName", JCudaDriver.cuDeviceGetName(name, NAME_BYTES, device));
    long[] memory = new long[1];
    check("cuDeviceTotalMem", JCudaDriver.cuDeviceTotalMem(memory, device));
    return new DeviceInfo(
        DeviceInfo.Kind.CUDA,
        ordinal,
        text(name),
        "sm_" + capability(device),
        memory[0],
        attribute(device, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT),
        memoryGbPerSecond(device));
  }

  private static int memoryGbPerSecond(CUdevice device) {
    long kilohertz = attribute(device, CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE);
    long bits = attribute(device, CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH);
    return Math.toIntExact(kilohertz * bits / 4_000_000);
  }

  /** 90 for compute capability 9.0. */
  private static int capability(CUdevice device) {
    return 10 * attribute(device, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)
        + attribute(device, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
  }

  private static int attribute(CUdevice device, int attribute) {
    int[] value = new int[1];
    check("cuDeviceGetAttribute", JCudaDriver.cuDeviceGetAttribute(value, attribute, device));
    return value[0];
  }

  private static String text(byte[] zeroTerminated) {
    int length = 0;
    while (length < zeroTerminated.length && zeroTerminated[length] != 0) {
      length++;
    }
    return new String(zeroTerminated, 0, length, StandardCharsets.UTF_8);
  }

  private static void check(String what, int result) {
    CudaCheck.check("CUDA", what, result);
  }
}
