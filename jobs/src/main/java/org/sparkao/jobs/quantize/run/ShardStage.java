package org.sparkao.jobs.quantize.run;

import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.apache.spark.SparkContext;
import org.sparkao.jobs.quantize.plan.ShardTask;
import org.sparkao.jobs.spark.TextStage;

/** The Spark job that writes the files, and what comes back from it file by file. */
final class ShardStage {
  private final SparkContext spark;
  private final String group;
  private final Consumer<ShardOutcome> finished;
  private final AtomicReference<String> refusal = new AtomicReference<>();

  /**
   * A stage.
   *
   * @param group Spark's name for everything that is cancelled together
   * @param finished told each file as it is finished; must not wait
   */
  ShardStage(SparkContext spark, String group, Consumer<ShardOutcome> finished) {
    this.spark = spark;
    this.group = group;
    this.finished = finished;
  }

  /**
   * Writes the files.
   *
   * @return why the input was refused, if it was; no task writes any more then
   * @throws IOException when a task failed too often
   */
  Optional<String> run(List<ShardTask> tasks, ShardWork work, String description)
      throws IOException, InterruptedException {
    if (tasks.isEmpty()) {
      return Optional.empty();
    }
    ShardRdd rdd = new ShardRdd(spark, tasks, work);
    rdd.setName("files of the output");
    RunningTasks running = new RunningTasks(group);
    spark.addSparkListener(running);
    spark.setJobGroup(group, description, true);
    spark.setCallSite(description);
    try {
      runJob(rdd, running);
    } finally {
      spark.removeSparkListener(running);
    }
    return Optional.ofNullable(refusal.get());
  }

  private void runJob(ShardRdd rdd, RunningTasks running) throws IOException, InterruptedException {
    Optional<Exception> failure = Optional.empty();
    try {
      TextStage.runEach(spark, rdd, this::accept);
    } catch (Exception e) { // Scala does not declare its SparkException.
      failure = Optional.of(e);
    } finally {
      spark.clearJobGroup();
      spark.clearCallSite();
    }
    if (failure.isPresent()) {
      end(running, failure.orElseThrow());
    }
  }

  /** Lets the other tasks clean up; what nobody waits for, the next driver removes. */
  private void end(RunningTasks running, Exception failure)
      throws IOException, InterruptedException {
    boolean ended = spark.isStopped() || running.awaitNone();
    if (refusal.get() == null) {
      throw new IOException(firstLine(failure), failure);
    }
    if (!ended) {
      throw new IOException("cancelled tasks do not end; input was refused: " + refusal.get());
    }
  }

  /** Spark's messages go on with the stacks of executor and driver. */
  private static String firstLine(Exception failure) {
    return String.valueOf(failure.getMessage()).lines().findFirst().orElse("");
  }

  /** Stops the tasks, those of a job that is yet to begin too. */
  void cancel(String why) {
    spark.cancelJobGroupAndFutureJobs(group, why);
  }

  private void accept(String json) {
    ShardOutcome outcome = ShardOutcome.fromJson(json);
    if (outcome.refusal().isEmpty()) {
      finished.accept(outcome);
    } else if (refusal.compareAndSet(null, outcome.refusal())) {
      cancel("input refused");
    }
  }
}
