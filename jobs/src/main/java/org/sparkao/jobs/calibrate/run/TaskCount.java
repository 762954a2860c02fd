package org.sparkao.jobs.calibrate.run;

import java.util.Optional;
import java.util.OptionalInt;
import org.apache.spark.SparkContext;
import org.sparkao.gpu.device.DeviceInfo;
import org.sparkao.jobs.gpu.ExecutorCount;
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
    ExecutorCount running = ExecutorCount.of(spark, device);
    int slots = device.kind() == DeviceInfo.Kind.CUDA ? running.all() : spark.defaultParallelism();
    return of(running, asked, waiting ? OptionalInt.of(slots) : OptionalInt.empty());
  }

  /**
   * Counts.
   *
   * @param slots of all executors, where tasks wait for each other
   */
  static TaskCount of(ExecutorCount running, OptionalInt asked, OptionalInt slots) {
    int executors = running.executors();
    int wanted = asked.orElse(running.all());
    int count = Math.min(wanted, slots.orElse(wanted));
    int together = slots.isPresent() ? (count + executors - 1) / executors : running.devices();
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
