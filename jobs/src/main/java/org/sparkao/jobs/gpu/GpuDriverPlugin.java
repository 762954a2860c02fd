package org.sparkao.jobs.gpu;

import com.codahale.metrics.Gauge;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.spark.SparkContext;
import org.apache.spark.api.plugin.DriverPlugin;
import org.apache.spark.api.plugin.PluginContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The driver's part: its log and its metrics say which executors have a GPU. */
final class GpuDriverPlugin implements DriverPlugin {
  private static final Logger LOG = LoggerFactory.getLogger(GpuPlugin.class);

  private final Map<String, Boolean> usable = new ConcurrentHashMap<>();

  @Override
  public Map<String, String> init(SparkContext spark, PluginContext context) {
    return Map.of();
  }

  @Override
  public void registerMetrics(String applicationId, PluginContext context) {
    Gauge<Long> with = () -> count(true);
    Gauge<Long> without = () -> count(false);
    context.metricRegistry().register("executorsWithGpu", with);
    context.metricRegistry().register("executorsWithoutGpu", without);
  }

  @Override
  public Object receive(Object message) {
    GpuReport report = (GpuReport) message;
    usable.put(report.executor(), report.usable());
    if (report.usable()) {
      LOG.info("{}", report.line());
    } else {
      LOG.warn("{}", report.line());
    }
    return "";
  }

  private long count(boolean value) {
    return usable.values().stream().filter(one -> one == value).count();
  }
}
