package org.sparkao.jobs.gpu;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.sparkao.gpu.GpuException;
import org.sparkao.gpu.device.DeviceInfo;
import org.sparkao.gpu.device.DeviceInfo.Kind;
import org.sparkao.gpu.executor.GpuExecutor;
import org.sparkao.jobs.spark.SparkSessions;
import org.sparkao.quant.QuantException;

/**
 * The GPU of this executor as its tasks see it. Spark makes the plugin that opens it, and gives no
 * way from a task to a plugin: hence the one static field.
 */
public final class ExecutorGpu {
  private static volatile Optional<String> refusal = Optional.empty();

  private ExecutorGpu() {}

  /**
   * The open GPU. A local Spark that somebody else started without the plugin gets it opened here.
   *
   * @throws GpuException when this executor cannot use one, with the reason
   */
  public static GpuExecutor require() {
    Optional<GpuExecutor> open = GpuExecutor.current();
    if (open.isPresent()) {
      return open.orElseThrow();
    }
    if (refusal.isPresent()) {
      throw new GpuException(refusal.orElseThrow());
    }
    Map<String, String> settings = SparkSessions.taskSettings();
    if (!SparkSettings.isLocal(SparkSettings.master(settings))) {
      throw new GpuException(
          "Spark was started without "
              + SparkSettings.PLUGINS
              + "="
              + GpuPlugin.class.getName()
              + ", so that this executor does not know its GPU; start Spark with it");
    }
    return GpuExecutor.start(GpuBinding.of(List.of(), settings));
  }

  /**
   * What a row says about the device that computed: {@code cuda sm_90}, {@code cpu x86_64}.
   *
   * @throws GpuException when the run is planned for GPUs, and this executor cannot use one
   */
  public static String label(PlannedDevice planned) {
    if (planned.kind() == Kind.CPU) {
      return planned.name() + " " + System.getProperty("os.arch").replace("amd64", "x86_64");
    }
    return planned.name() + " " + require().device().info().architecture();
  }

  /** Opens the GPU of this executor; remembers the reason when that fails. */
  static GpuReport open(String executor, String host, List<String> addresses) {
    refusal = Optional.empty();
    try {
      DeviceInfo info =
          GpuExecutor.start(GpuBinding.of(addresses, SparkSessions.taskSettings())).device().info();
      return new GpuReport(executor, host, true, info.label());
    } catch (GpuException | QuantException | LinkageError e) {
      String reason = "executor " + executor + " on " + host + " has no GPU: " + e.getMessage();
      refusal = Optional.of(reason);
      return new GpuReport(executor, host, false, reason);
    }
  }

  /** Gives everything back to the GPU. */
  static void close() {
    refusal = Optional.empty();
    GpuExecutor.current().ifPresent(GpuExecutor::close);
  }
}
