package org.sparkao.jobs.quantize.run;

import java.io.IOException;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.apache.spark.util.LongAccumulator;
import org.sparkao.jobs.gpu.ExecutorGpu;
import org.sparkao.jobs.quantize.plan.ShardTask;
import org.sparkao.jobs.quantize.run.ShardOutcome.Attempt;
import org.sparkao.jobs.quantize.run.ShardOutcome.TensorOutcome;
import org.sparkao.jobs.spark.SparkSessions;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.storage.WorkFolder;
import org.sparkao.quant.QuantException;

/** What an executor does for one file of the output. */
final class ShardWork implements Serializable {
  private static final long serialVersionUID = 1;

  private final ShardSettings settings;
  private final LongAccumulator bytesRead;

  ShardWork(ShardSettings settings, LongAccumulator bytesRead) {
    this.settings = settings;
    this.bytesRead = bytesRead;
  }

  /**
   * Writes the file, then notes that it is done. Input that cannot be used comes back as a refusal:
   * trying again would not help.
   */
  ShardOutcome run(ShardTask task, TaskContext context) throws IOException {
    long start = System.nanoTime();
    String attempt = WorkFolder.newAttempt();
    Storage storage =
        Storage.ofSettings(SparkSessions.taskSettings()).withScratch(SparkSessions.taskScratch());
    Folder output = storage.folder(settings.output());
    String part = WorkFolder.part(task.file(), attempt);
    ShardOutcome outcome;
    Attempt who = who(attempt, context);
    TaskClock clock = new TaskClock();
    try {
      List<TensorOutcome> tensors =
          new ShardFile(settings, storage, bytesRead::add, clock).write(task, output, part);
      long bytes = output.size(task.file()).orElseThrow();
      outcome =
          new ShardOutcome(
              task.file(),
              bytes,
              tensors,
              System.nanoTime() - start,
              clock.times(),
              who.finishedNow(),
              "");
    } catch (QuantException e) {
      return new ShardOutcome(
          task.file(),
          0,
          List.of(),
          System.nanoTime() - start,
          clock.times(),
          who.finishedNow(),
          e.getMessage());
    } catch (IOException e) {
      throw new IOException(output.location() + "/" + task.file() + ": " + e.getMessage(), e);
    }
    output.replace(
        WorkFolder.done(task.file(), attempt), outcome.toJson().getBytes(StandardCharsets.UTF_8));
    return outcome;
  }

  /** Fails on an executor that lacks the planned device, before anything is written. */
  private Attempt who(String attempt, TaskContext context) {
    return new Attempt(
        attempt,
        context.attemptNumber(),
        SparkEnv.get().executorId(),
        SparkEnv.get().blockManager().blockManagerId().host(),
        0,
        ExecutorGpu.label(settings.device()));
  }
}
