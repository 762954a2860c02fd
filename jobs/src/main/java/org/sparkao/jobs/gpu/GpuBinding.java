package org.sparkao.jobs.gpu;

import java.util.List;
import java.util.Map;
import org.sparkao.gpu.GpuException;
import org.sparkao.gpu.device.DeviceInfo;
import org.sparkao.gpu.device.Devices;
import org.sparkao.gpu.executor.GpuSettings;

/** Which GPUs are an executor's, and how much of them. */
final class GpuBinding {
  /** The rest is for the contexts of the driver and the code of the kernels. */
  private static final double MEMORY_FRACTION = 0.9;

  /** A task holds one while it reads and writes a weight, too: few would leave the GPU idle. */
  private static final int PERMITS = 16;

  private GpuBinding() {}

  /**
   * How this JVM shall use its GPU; in local mode those of this machine.
   *
   * @param addresses what Spark gave the executor; none in local mode
   * @throws GpuException when it has none, or cannot use it
   */
  static List<GpuSettings> of(List<String> addresses, Map<String, String> settings) {
    List<DeviceInfo> devices = devices(addresses, SparkSettings.master(settings));
    double fraction =
        SparkSettings.amount(settings, SparkSettings.MEMORY_FRACTION).orElse(MEMORY_FRACTION);
    double permits = SparkSettings.amount(settings, SparkSettings.PERMITS).orElse((double) PERMITS);
    if (fraction > 1) {
      throw new GpuException(
          SparkSettings.MEMORY_FRACTION + "=" + fraction + ": above 1, the whole memory");
    }
    if (permits != Math.rint(permits)) {
      throw new GpuException(SparkSettings.PERMITS + "=" + permits + ": not a whole number");
    }
    return devices.stream()
        .map(
            device ->
                new GpuSettings(
                    device.ordinal(), (long) (device.memoryBytes() * fraction), (int) permits))
        .toList();
  }

  private static List<DeviceInfo> devices(List<String> addresses, String master) {
    if (addresses.isEmpty() && SparkSettings.isLocal(master)) {
      List<DeviceInfo> all = Devices.probe().devices();
      if (all.isEmpty()) {
        throw new GpuException(Devices.probe().summary());
      }
      return alike(all);
    }
    return List.of(Devices.probe().require(ordinal(addresses)));
  }

  /** Those that compute as the first does, to the bit: a run has one arithmetic. */
  static List<DeviceInfo> alike(List<DeviceInfo> all) {
    String first = all.get(0).arithmetic();
    return all.stream().filter(device -> device.arithmetic().equals(first)).toList();
  }

  /** The driver's number of the only GPU. */
  static int ordinal(List<String> addresses) {
    if (addresses.size() != 1) {
      throw new GpuException(
          addresses.isEmpty()
              ? "Spark gave this executor no GPU; set " + SparkSettings.EXECUTOR_AMOUNT + "=1"
              : "Spark gave this executor the GPUs "
                  + addresses
                  + ", and it works on one; set "
                  + SparkSettings.EXECUTOR_AMOUNT
                  + "=1");
    }
    String address = addresses.get(0);
    if (!address.matches("\\d{1,4}")) {
      throw new GpuException(
          "GPU address \""
              + address
              + "\" of the discovery script is not a number of nvidia-smi's list; use"
              + " conf/gpu-discovery.sh");
    }
    return Integer.parseInt(address);
  }
}
