package org.sparkao.jobs.gpu;

import org.apache.spark.api.plugin.DriverPlugin;
import org.apache.spark.api.plugin.ExecutorPlugin;
import org.apache.spark.api.plugin.SparkPlugin;

/**
 * Binds each executor to its GPU for as long as it lives: {@code spark.plugins}. Jobs that compute
 * on GPUs set it by themselves.
 */
public final class GpuPlugin implements SparkPlugin {

  /** Made by Spark from the name of the class. */
  public GpuPlugin() {}

  @Override
  public DriverPlugin driverPlugin() {
    return new GpuDriverPlugin();
  }

  @Override
  public ExecutorPlugin executorPlugin() {
    return new GpuExecutorPlugin();
  }
}
