package org.sparkao.jobs.gpu;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.sparkao.gpu.device.DeviceInfo;
import org.sparkao.gpu.device.DeviceInfo.Kind;
import org.sparkao.jobs.config.Config;
import org.sparkao.quant.QuantException;

/** Decides what computes, from the request, the settings and, in local mode, this machine. */
public final class DevicePlanner {
  private final Supplier<GpuSight> thisMachine;

  /**
   * A planner.
   *
   * @param operation the kernels that will be needed: a folder of {@code gpu-executor}
   */
  public DevicePlanner(String operation) {
    this(() -> GpuSight.of(operation));
  }

  DevicePlanner(Supplier<GpuSight> thisMachine) {
    this.thisMachine = thisMachine;
  }

  /**
   * The device of a run.
   *
   * @param cpuOnly why GPUs cannot do the work, if so; asked when they are wanted
   * @throws QuantException for amounts that can never be had, and for a GPU that is not there
   */
  public DevicePlan plan(DeviceRequest request, Config config, Supplier<Optional<String>> cpuOnly) {
    return plan(request, SparkSettings.of(config), cpuOnly);
  }

  DevicePlan plan(
      DeviceRequest request, Map<String, String> settings, Supplier<Optional<String>> cpuOnly) {
    GpuAmounts amounts = GpuAmounts.of(settings);
    amounts.require();
    if (request == DeviceRequest.CPU) {
      return cpu("as asked");
    }
    Optional<String> obstacle = cpuOnly.get();
    if (obstacle.isPresent()) {
      return withoutGpu(request, obstacle.orElseThrow());
    }
    if (amounts.isLocal()) {
      return local(request, settings);
    }
    if (amounts.executor().isPresent()) {
      return new DevicePlan.AskExecutors(request, SparkSettings.withGpu(settings));
    }
    return withoutGpu(
        request,
        "the executors of "
            + amounts.master()
            + " ask for no GPU; for GPUs add --conf "
            + SparkSettings.EXECUTOR_AMOUNT
            + "=1 and a discovery script (conf/gpu.md)");
  }

  private DevicePlan local(DeviceRequest request, Map<String, String> settings) {
    GpuSight sight = thisMachine.get();
    if (sight.devices().isEmpty()) {
      return withoutGpu(request, sight.summary());
    }
    List<DeviceInfo> used = GpuBinding.alike(sight.devices());
    String asked = request == DeviceRequest.CUDA ? "as asked: " : "auto: ";
    String labels = used.stream().map(DeviceInfo::label).collect(Collectors.joining(", "));
    String others =
        used.size() == sight.devices().size()
            ? ""
            : "; those that sum in another order than the first one are left alone";
    return new DevicePlan.Decided(
        new PlannedDevice(Kind.CUDA, asked + labels + others), SparkSettings.withGpu(settings));
  }

  private static DevicePlan withoutGpu(DeviceRequest request, String reason) {
    if (request == DeviceRequest.CUDA) {
      throw new QuantException("--device cuda: " + reason);
    }
    return cpu("auto: " + reason);
  }

  private static DevicePlan cpu(String why) {
    return new DevicePlan.Decided(PlannedDevice.processor(why), Map.of());
  }
}
