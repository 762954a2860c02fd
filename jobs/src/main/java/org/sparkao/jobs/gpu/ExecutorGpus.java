package org.sparkao.jobs.gpu;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Timer;
import java.util.TimerTask;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.apache.spark.SparkContext;
import org.apache.spark.SparkEnv;
import org.apache.spark.storage.BlockManagerId;
import org.sparkao.gpu.device.DeviceInfo.Kind;
import org.sparkao.jobs.spark.SparkSessions;
import org.sparkao.quant.QuantException;
import scala.jdk.javaapi.CollectionConverters;

/** Decides what the executors of a running Spark compute with. */
public final class ExecutorGpus {
  /** A refusal shall come within 30 seconds; the rest is for asking. */
  private static final double WAIT_SECONDS = 20;

  /** Executors that start together register one after the other. */
  private static final long SETTLE_MILLIS = 1000;

  private static final long ANSWER_MILLIS = 10_000;
  private static final long PAUSE_MILLIS = 100;
  private static final String GROUP = "gpus";
  private static final String DRIVER = "driver";

  private ExecutorGpus() {}

  /**
   * What was planned, or where that is for executors to say, what they decide.
   *
   * @param operation the kernels that will be needed
   * @param told what executors decided, for the user
   */
  public static PlannedDevice decide(
      DevicePlan plan, SparkContext spark, String operation, Consumer<String> told)
      throws InterruptedException {
    if (plan instanceof DevicePlan.Decided decided) {
      return decided.device();
    }
    PlannedDevice asked = decide((DevicePlan.AskExecutors) plan, spark, operation);
    told.accept(asked.text());
    return asked;
  }

  /**
   * Waits for executors, asks them, and decides for all of them. One that comes later and cannot
   * use its GPU fails its tasks.
   *
   * @param operation the kernels that will be needed
   * @throws QuantException when no executor comes, or when GPUs are a must and cannot be used
   */
  public static PlannedDevice decide(
      DevicePlan.AskExecutors plan, SparkContext spark, String operation)
      throws InterruptedException {
    Map<String, String> settings = SparkSessions.taskSettings();
    List<BlockManagerId> executors = awaitExecutors(settings);
    spark.setJobGroup(GROUP, "Look at the GPUs of the executors", true);
    Timer deadline = new Timer(GROUP, true);
    deadline.schedule(
        new TimerTask() {
          @Override
          public void run() {
            spark.cancelJobGroup(GROUP);
          }
        },
        ANSWER_MILLIS);
    try {
      return decide(plan.request(), new ExecutorProbe(spark, executors, operation).reports());
    } catch (QuantException e) {
      throw e;
    } catch (Exception e) { // Scala does not declare its SparkException.
      throw new QuantException(
          "the executors at "
              + SparkSettings.master(settings)
              + " came up and do not say whether they can use their GPUs; their logs tell more ("
              + String.valueOf(e.getMessage()).lines().findFirst().orElse("")
              + ")",
          e);
    } finally {
      deadline.cancel();
      spark.clearJobGroup();
    }
  }

  /** What follows from the reports. */
  static PlannedDevice decide(DeviceRequest request, List<GpuReport> reports) {
    if (reports.isEmpty()) {
      throw new QuantException("no executor is left to say whether it can use its GPU");
    }
    List<GpuReport> without = reports.stream().filter(report -> !report.usable()).toList();
    if (without.isEmpty()) {
      String gpus =
          reports.stream()
              .map(GpuReport::text)
              .map(label -> label.substring(label.indexOf('(') + 1, label.lastIndexOf(')')))
              .collect(Collectors.groupingBy(gpu -> gpu, Collectors.counting()))
              .entrySet()
              .stream()
              .sorted(Map.Entry.comparingByKey())
              .map(entry -> entry.getValue() + " x " + entry.getKey())
              .collect(Collectors.joining("; "));
      String asked = request == DeviceRequest.CUDA ? "as asked: " : "auto: ";
      return new PlannedDevice(Kind.CUDA, asked + gpus);
    }
    String reason = without.get(0).text();
    String some = without.size() + " of " + reports.size() + " executors: " + reason;
    if (request == DeviceRequest.CUDA) {
      throw new QuantException("--device cuda: " + some);
    }
    return PlannedDevice.processor("auto: " + some);
  }

  private static List<BlockManagerId> awaitExecutors(Map<String, String> settings)
      throws InterruptedException {
    double seconds =
        SparkSettings.amount(settings, SparkSettings.WAIT_SECONDS).orElse(WAIT_SECONDS);
    if (!await(seconds, () -> !executors().isEmpty())) {
      throw new QuantException(
          String.format(
              Locale.ROOT,
              "no executor with a GPU came up in %.0f s at %s (%s=%s): its workers offer none"
                  + " (spark.worker.resource.gpu.amount and a discovery script, conf/gpu.md), or"
                  + " others use them; a cluster that needs longer to start executors gets --conf"
                  + " %s=SECONDS",
              seconds,
              SparkSettings.master(settings),
              SparkSettings.EXECUTOR_AMOUNT,
              settings.get(SparkSettings.EXECUTOR_AMOUNT),
              SparkSettings.WAIT_SECONDS));
    }
    List<BlockManagerId> seen = executors();
    Thread.sleep(SETTLE_MILLIS);
    while (executors().size() > seen.size()) {
      seen = executors();
      Thread.sleep(SETTLE_MILLIS);
    }
    return seen;
  }

  private static boolean await(double seconds, BooleanSupplier moment) throws InterruptedException {
    long end = System.nanoTime() + (long) (seconds * TimeUnit.SECONDS.toNanos(1));
    while (!moment.getAsBoolean()) {
      if (System.nanoTime() > end) {
        return false;
      }
      Thread.sleep(PAUSE_MILLIS);
    }
    return true;
  }

  private static List<BlockManagerId> executors() {
    return CollectionConverters.asJava(SparkEnv.get().blockManager().master().getMemoryStatus())
        .keySet()
        .stream()
        .filter(id -> !id.executorId().equals(DRIVER))
        .sorted((a, b) -> a.executorId().compareTo(b.executorId()))
        .toList();
  }
}
