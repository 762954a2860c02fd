package org.sparkao.jobs.gpu;

import com.codahale.metrics.Gauge;
import com.codahale.metrics.MetricRegistry;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.ToLongFunction;
import org.apache.spark.api.plugin.ExecutorPlugin;
import org.apache.spark.api.plugin.PluginContext;
import org.apache.spark.resource.ResourceInformation;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparkao.gpu.device.BusyTime.Engine;
import org.sparkao.gpu.executor.GpuExecutor;

/**
 * The executors' part: opens the GPU, publishes its metrics, closes it. An executor whose GPU
 * cannot be used lives on, and its tasks fail with the reason: were it to end, Spark would start
 * others without end.
 */
final class GpuExecutorPlugin implements ExecutorPlugin {
  private static final Logger LOG = LoggerFactory.getLogger(GpuPlugin.class);

  @Override
  public void init(PluginContext context, Map<String, String> settings) {
    ResourceInformation gpus = context.resources().get("gpu");
    List<String> addresses = gpus == null ? List.of() : Arrays.asList(gpus.addresses());
    GpuReport report = ExecutorGpu.open(context.executorID(), host(), addresses);
    LOG.info("{}", report.line());
    publish(context.metricRegistry());
    try {
      context.send(report);
    } catch (IOException e) {
      LOG.warn("the driver is not told: {}", e.getMessage());
    }
  }

  @Override
  public void shutdown() {
    ExecutorGpu.close();
  }

  /** The context's own answer fails on executors, which listen at no address. */
  private static String host() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      return "localhost";
    }
  }

  /** Bytes, nanoseconds and counts of all GPUs together; all 0 while none is open. */
  private static void publish(MetricRegistry metrics) {
    gauge(metrics, "memoryInUseBytes", gpu -> gpu.device().budget().inUse());
    gauge(metrics, "memoryPeakBytes", gpu -> gpu.device().budget().peak());
    gauge(metrics, "memoryBudgetBytes", gpu -> gpu.device().budget().bytes());
    gauge(metrics, "deviceNanos", GpuExecutor::deviceNanos);
    gauge(metrics, "busyNanos", gpu -> gpu.busy().nanos());
    gauge(metrics, "copyInNanos", gpu -> gpu.busy().nanos(Engine.COPY_IN));
    gauge(metrics, "computeNanos", gpu -> gpu.busy().nanos(Engine.COMPUTE));
    gauge(metrics, "copyOutNanos", gpu -> gpu.busy().nanos(Engine.COPY_OUT));
    gauge(metrics, "permitWaitNanos", gpu -> gpu.permits().waitedNanos());
    gauge(metrics, "permitsFree", gpu -> gpu.permits().free());
    gauge(metrics, "outOfMemorySplits", GpuExecutor::splits);
  }

  private static void gauge(
      MetricRegistry metrics, String name, ToLongFunction<GpuExecutor> value) {
    Gauge<Long> gauge = () -> GpuExecutor.open().stream().mapToLong(value).sum();
    metrics.register(name, gauge);
  }
}
