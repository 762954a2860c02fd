package org.sparkao.jobs.doctor;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Timer;
import java.util.TimerTask;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.apache.spark.SparkContext;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.doctor.Finding.Level;
import org.sparkao.jobs.gpu.DevicePlan;
import org.sparkao.jobs.gpu.ExecutorGpus;
import org.sparkao.jobs.job.Texts;
import org.sparkao.jobs.spark.SparkLease;
import org.sparkao.jobs.spark.TextStage;

/**
 * Starts Spark as jobs do, and has tasks look around on the executors.
 *
 * @param config names the master and its settings
 * @param device what a job would compute with
 * @param checkpoint what executors are to read; empty for nothing
 * @param waitSeconds how long executors may take to come and to answer
 */
record SparkCheck(Config config, Supplier<DevicePlan> device, String checkpoint, int waitSeconds)
    implements Check {
  /** More than the slots of small clusters, so that every executor is likely to get one. */
  private static final int TASKS = 32;

  private static final String GROUP = "doctor";

  @Override
  public String subject() {
    return "executors";
  }

  @Override
  public List<Finding> look() throws InterruptedException {
    DevicePlan plan = device.get();
    try (SparkLease lease = SparkLease.open(config, "sparkao doctor", plan.sparkSettings())) {
      SparkContext spark = lease.context();
      List<Finding> findings = new ArrayList<>(ask(spark));
      boolean answered = findings.stream().noneMatch(one -> one.level() == Level.FAIL);
      if (answered && plan instanceof DevicePlan.AskExecutors) {
        ExecutorGpus.decide(
            plan, spark, Checks.KERNELS, text -> findings.add(Finding.ok("device", text)));
      }
      return findings;
    }
  }

  private List<Finding> ask(SparkContext spark) {
    ConcurrentLinkedQueue<String> answers = new ConcurrentLinkedQueue<>();
    TextStage stage = new TextStage(spark, GROUP);
    AtomicBoolean late = new AtomicBoolean();
    Timer deadline = new Timer(GROUP, true);
    deadline.schedule(
        new TimerTask() {
          @Override
          public void run() {
            late.set(true);
            stage.cancel("no answer in time");
          }
        },
        TimeUnit.SECONDS.toMillis(waitSeconds));
    try {
      List<Integer> tasks = IntStream.range(0, TASKS).boxed().toList();
      stage.run(tasks, new ExecutorLook(checkpoint), "Look at the executors", answers::add);
    } catch (IOException e) {
      return List.of(
          spark.isStopped()
              ? unreachable(spark.master())
              : late.get() ? silent(spark.master()) : failed(spark.master(), e.getMessage()));
    } finally {
      deadline.cancel();
    }
    return findings(spark.master(), answers.stream().map(ExecutorFacts::fromJson).toList());
  }

  private Finding silent(String master) {
    return Finding.fail(
        subject(),
        "none at " + master + " did its tasks in " + waitSeconds + " s",
        "look at the page of the master: workers must have spark.executor.cores and"
            + " spark.executor.memory free, and GPUs if executors ask for them, and must reach this"
            + " machine (spark.driver.host); logs of executors tell more");
  }

  private Finding unreachable(String master) {
    return Finding.fail(
        subject(),
        "no master answers at " + master + ", or it ended the application",
        "start it, or name its address as its page shows it; its port must be open to this"
            + " machine");
  }

  private Finding failed(String master, String message) {
    return Finding.fail(
        subject(),
        "tasks at " + master + " fail: " + message,
        "look at the logs of the executors; Spark, Java and this program's jar must be the same"
            + " there as here");
  }

  /** What follows from what the tasks saw. */
  List<Finding> findings(String master, List<ExecutorFacts> facts) {
    Map<String, ExecutorFacts> executors = new TreeMap<>();
    facts.forEach(one -> executors.put(one.executor(), one));
    List<Finding> findings = new ArrayList<>();
    for (ExecutorFacts one : executors.values()) {
      String name = "executor " + one.executor() + " on " + one.host();
      if (!one.vectors()) {
        findings.add(
            Finding.fail(
                subject(),
                name + ": Java " + one.java() + " without the module jdk.incubator.vector",
                "start workers with Spark's own scripts, or add --add-modules=jdk.incubator.vector"
                    + " to spark.executor.extraJavaOptions"));
      } else if (!one.checkpoint().isEmpty()) {
        findings.add(
            Finding.fail(
                subject(),
                name + " cannot read the checkpoint: " + one.checkpoint(),
                "put it where all machines see it under the same URI (HDFS, an object store, a"
                    + " shared disk)"));
      } else {
        findings.add(
            Finding.ok(
                subject(),
                name
                    + ": Java "
                    + one.java()
                    + ", heap of "
                    + Texts.bytes(one.heapBytes())
                    + (checkpoint.isEmpty() ? "" : ", reads the checkpoint")));
      }
    }
    findings.add(Finding.ok("spark-run", TASKS + " tasks at " + master));
    return findings;
  }
}
