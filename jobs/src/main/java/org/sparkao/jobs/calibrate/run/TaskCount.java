package org.sparkao.jobs.calibrate.run;

import java.util.Optional;
import java.util.OptionalInt;
import org.apache.spark.SparkContext;
import org.sparkao.gpu.device.DeviceInfo;
import org.sparkao.gpu.executor.GpuExecutor;
import org.sparkao.jobs.gpu.PlannedDevice;

/**
 * How many tasks there are: one a device, which each has for itself, when nothing is said.
 *
 * @param count of them
 * @param together most of them that work in one JVM at the same time
 * @param note what is not as it was asked for, for the user
 */
record TaskCount(int count, int together, Optional<String> note) {
  /**
   * Counts.
   *
   * @param asked how many the user wants
   * @param waiting whether tasks wait for each other, and so must all have a slot
   */
  static TaskCount of(
      SparkContext spark, PlannedDevice device, OptionalInt asked, boolean waiting) {
    boolean gpus = device.kind() == DeviceInfo.Kind.CUDA;
    int executors =
        spark.isLocal() ? 1 : Math.max(1, spark.statusTracker().getExecutorInfos().length - 1);
    int devices = spark.isLocal() && gpus ? Math.max(1, GpuExecutor.open().size()) : 1;
    int slots = gpus ? executors * devices : spark.defaultParallelism();
    return of(executors, devices, asked, waiting ? OptionalInt.of(slots) : OptionalInt.empty());
  }

  /**
   * Counts.
   *
   * @param devices of an executor
   * @param slots of all executors, where tasks wait for each other
   */
  static TaskCount of(int executors, int devices, OptionalInt asked, OptionalInt slots) {
    int wanted = asked.orElse(executors * devices);
    int count = Math.min(wanted, slots.orElse(wanted));
    int together = slots.isPresent() ? (count + executors - 1) / executors : devices;
    Optional<String> note =
        count < wanted
            ? Optional.of(
                "--partitions "
                    + wanted
                    + ": tasks of --sequential wait for each other, and "
                    + count
                    + " can run at the same time")
            : Optional.empty();
    return new TaskCount(count, Math.min(count, together), note);
  }
}
