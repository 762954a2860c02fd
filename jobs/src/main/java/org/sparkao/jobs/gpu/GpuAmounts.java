package org.sparkao.jobs.gpu;

import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.sparkao.quant.QuantException;

/**
 * How many GPUs Spark is asked for. Spark itself waits for ever for amounts that nobody can give;
 * this finds what the settings alone tell.
 *
 * @param master Spark's master
 * @param executor GPUs an executor
 * @param task GPUs a task; a share of one when several tasks use it
 * @param worker GPUs a worker, where the same settings start the workers
 */
record GpuAmounts(
    String master, Optional<Double> executor, Optional<Double> task, Optional<Double> worker) {
  private static final Pattern LOCAL_CLUSTER = Pattern.compile("local-cluster\\[.*");

  static GpuAmounts of(Map<String, String> settings) {
    return new GpuAmounts(
        SparkSettings.master(settings),
        SparkSettings.amount(settings, SparkSettings.EXECUTOR_AMOUNT),
        SparkSettings.amount(settings, SparkSettings.TASK_AMOUNT),
        SparkSettings.amount(settings, SparkSettings.WORKER_AMOUNT));
  }

  boolean isLocal() {
    return SparkSettings.isLocal(master);
  }

  /**
   * Refuses amounts that can never be had.
   *
   * @throws QuantException naming the setting and the way out
   */
  void require() {
    if (isLocal()) {
      requireNone(SparkSettings.EXECUTOR_AMOUNT, executor);
      requireNone(SparkSettings.TASK_AMOUNT, task);
      return;
    }
    if (executor.isEmpty()) {
      if (task.isPresent()) {
        throw refused(
            SparkSettings.TASK_AMOUNT,
            task,
            "executors ask for no GPU, so that no task could ever start; add --conf "
                + SparkSettings.EXECUTOR_AMOUNT
                + "=1");
      }
      return;
    }
    double gpus = executor.orElseThrow();
    if (gpus != 1) {
      throw refused(
          SparkSettings.EXECUTOR_AMOUNT,
          executor,
          "an executor works on one GPU; use 1, and as many executors as there are GPUs");
    }
    if (task.isPresent() && task.orElseThrow() > gpus) {
      throw refused(
          SparkSettings.TASK_AMOUNT,
          task,
          "more than the "
              + number(gpus)
              + " of an executor, so that no task could ever start; use 1, or a share such as"
              + " 0.25 to let tasks use one GPU together");
    }
    requireOfWorkers(gpus);
  }

  /** Only here are the workers started with the same settings; others are seen at work. */
  private void requireOfWorkers(double gpus) {
    double offered = worker.orElse(0.0);
    if (LOCAL_CLUSTER.matcher(master).matches() && offered < gpus) {
      throw refused(
          SparkSettings.EXECUTOR_AMOUNT,
          executor,
          "workers of "
              + master
              + " offer "
              + number(offered)
              + ", so that no executor could ever start; add --conf "
              + SparkSettings.WORKER_AMOUNT
              + "=1 --conf spark.worker.resource.gpu.discoveryScript=SCRIPT");
    }
  }

  private void requireNone(String name, Optional<Double> amount) {
    if (amount.isPresent()) {
      throw refused(
          name,
          amount,
          "master "
              + master
              + " hands out no GPUs, so that no task could ever start; leave it out (tasks use the"
              + " GPU of this machine by themselves), or use --master 'local-cluster[1,1,4096]'");
    }
  }

  private static QuantException refused(String name, Optional<Double> amount, String why) {
    return new QuantException(name + "=" + number(amount.orElseThrow()) + ": " + why);
  }

  private static String number(double value) {
    return value == Math.rint(value) ? Long.toString((long) value) : Double.toString(value);
  }
}
