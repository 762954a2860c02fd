package org.sparkao.jobs.doctor;

import java.io.IOException;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.sparkao.jobs.job.Failures;
import org.sparkao.jobs.spark.SparkSessions;
import org.sparkao.jobs.spark.TextWork;
import org.sparkao.jobs.storage.Storage;

/**
 * Looks around on an executor. A task is told nothing but its number.
 *
 * @param checkpoint a checkpoint to read headers of; empty for none
 */
record ExecutorLook(String checkpoint) implements TextWork<Integer> {
  @Override
  public String run(Integer task, TaskContext context) {
    JavaCheck java = JavaCheck.ofThis();
    return new ExecutorFacts(
            SparkEnv.get().executorId(),
            SparkEnv.get().blockManager().blockManagerId().host(),
            java.version(),
            java.vectors(),
            java.heapBytes(),
            checkpoint.isEmpty() ? "" : obstacle())
        .toJson();
  }

  private String obstacle() {
    try {
      CheckpointCheck.seen(Storage.ofSettings(SparkSessions.taskSettings()), checkpoint);
      return "";
    } catch (IOException | RuntimeException e) {
      return Failures.text(e);
    }
  }
}
