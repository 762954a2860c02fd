package org.sparkao.jobs.gpu;

import org.apache.spark.SparkContext;
import org.sparkao.gpu.device.DeviceInfo.Kind;
import org.sparkao.gpu.executor.GpuExecutor;

/**
 * What can compute at the same time.
 *
 * @param executors of Spark; one in local mode
 * @param devices of each, for a task each: the GPUs of this machine in local mode, else one
 */
public record ExecutorCount(int executors, int devices) {
  /** Of a running Spark, at this moment. */
  public static ExecutorCount of(SparkContext spark, PlannedDevice device) {
    if (!spark.isLocal()) {
      // The driver is counted there too.
      return new ExecutorCount(Math.max(1, spark.statusTracker().getExecutorInfos().length - 1), 1);
    }
    boolean gpus = device.kind() == Kind.CUDA;
    return new ExecutorCount(1, gpus ? Math.max(1, GpuExecutor.open().size()) : 1);
  }

  /** Devices of all executors. */
  public int all() {
    return executors * devices;
  }
}
