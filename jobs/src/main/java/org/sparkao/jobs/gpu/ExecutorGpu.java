package org.sparkao.jobs.gpu;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.apache.spark.TaskContext;
import org.apache.spark.util.TaskCompletionListener;
import org.sparkao.gpu.GpuException;
import org.sparkao.gpu.device.DeviceInfo.Kind;
import org.sparkao.gpu.executor.GpuExecutor;
import org.sparkao.gpu.executor.GpuSettings;
import org.sparkao.jobs.spark.SparkSessions;
import org.sparkao.quant.QuantException;

/**
 * The GPUs of this executor as its tasks see them: one, but for local mode, where it has all of the
 * machine and each task works on the one that fewest others do. Spark makes the plugin that opens
 * them, and gives no way from a task to a plugin: hence the static fields.
 */
public final class ExecutorGpu {
  private static final Map<Long, GpuExecutor> OF_TASKS = new ConcurrentHashMap<>();
  private static volatile Optional<String> refusal = Optional.empty();
  private static volatile LeastBusy<GpuExecutor> gpus = new LeastBusy<>(List.of());

  private ExecutorGpu() {}

  /**
   * The open GPU of this task, the same one until it ends; outside of tasks the first. A local
   * Spark that somebody else started without the plugin gets them opened here.
   *
   * @throws GpuException when this executor cannot use one, with the reason
   */
  public static GpuExecutor require() {
    LeastBusy<GpuExecutor> open = opened();
    TaskContext context = TaskContext.get();
    if (context == null || open.all().size() == 1) {
      return open.all().get(0);
    }
    return OF_TASKS.computeIfAbsent(
        context.taskAttemptId(),
        attempt -> {
          GpuExecutor gpu = open.take();
          TaskCompletionListener listener =
              ended -> {
                OF_TASKS.remove(attempt);
                open.back(gpu);
              };
          context.addTaskCompletionListener(listener);
          return gpu;
        });
  }

  private static synchronized LeastBusy<GpuExecutor> opened() {
    if (!gpus.all().isEmpty()) {
      return gpus;
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
    start(GpuBinding.of(List.of(), settings));
    return gpus;
  }

  private static void start(List<GpuSettings> wanted) {
    List<GpuExecutor> started = new ArrayList<>();
    try {
      wanted.forEach(one -> started.add(GpuExecutor.start(one)));
    } catch (GpuException e) {
      started.forEach(GpuExecutor::close);
      throw e;
    }
    gpus = new LeastBusy<>(started);
  }

  /**
   * What a row and a key say about the device that computed: {@code cuda sm_90 132 SM 4917 GB/s},
   * {@code cpu x86_64}.
   *
   * @throws GpuException when the run is planned for GPUs, and this executor cannot use one
   */
  public static String label(PlannedDevice planned) {
    if (planned.kind() == Kind.CPU) {
      return planned.name() + " " + System.getProperty("os.arch").replace("amd64", "x86_64");
    }
    return planned.name() + " " + require().device().info().arithmetic();
  }

  /** Opens the GPUs of this executor; remembers the reason when that fails. */
  static synchronized GpuReport open(String executor, String host, List<String> addresses) {
    refusal = Optional.empty();
    try {
      start(GpuBinding.of(addresses, SparkSessions.taskSettings()));
      String labels =
          gpus.all().stream()
              .map(gpu -> gpu.device().info().label())
              .collect(Collectors.joining(", "));
      return new GpuReport(executor, host, true, labels);
    } catch (GpuException | QuantException | LinkageError e) {
      String reason = "executor " + executor + " on " + host + " has no GPU: " + e.getMessage();
      refusal = Optional.of(reason);
      return new GpuReport(executor, host, false, reason);
    }
  }

  /** Gives everything back to the GPUs. */
  static synchronized void close() {
    refusal = Optional.empty();
    gpus = new LeastBusy<>(List.of());
    GpuExecutor.open().forEach(GpuExecutor::close);
  }
}
