package org.sparkao.jobs.train.run;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.concurrent.locks.ReentrantLock;
import org.apache.spark.TaskContext;
import org.sparkao.gpu.GpuException;
import org.sparkao.jobs.evaluate.run.ModelParts;
import org.sparkao.jobs.spark.SparkSessions;
import org.sparkao.jobs.spark.TextWork;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.quant.QuantException;

/** What an executor does for some blocks, or for the model. */
final class TrainWork implements TextWork<UnitTask> {
  private static final long serialVersionUID = 1;

  /** Tasks of an executor take turns: each uses all cores. */
  private static final ReentrantLock TURN = new ReentrantLock(true);

  private final TrainSettings settings;

  TrainWork(TrainSettings settings) {
    this.settings = settings;
  }

  /** What cannot be done comes back as a refusal: trying again would not help. */
  @Override
  public String run(UnitTask task, TaskContext context) throws IOException {
    if (task.first() == task.end()) {
      return UnitOutcome.done().toJson();
    }
    TURN.lock();
    try {
      train(task, context);
      return UnitOutcome.done().toJson();
    } catch (QuantException | GpuException e) {
      return UnitOutcome.refused(e.getMessage()).toJson();
    } catch (UncheckedIOException e) {
      throw e.getCause();
    } finally {
      TURN.unlock();
    }
  }

  private void train(UnitTask task, TaskContext context) throws IOException {
    Storage storage =
        Storage.ofSettings(SparkSessions.taskSettings()).withScratch(SparkSessions.taskScratch());
    try (ModelParts parts = ModelParts.open(settings.model(), storage);
        UnitTrainer trainer =
            new UnitTrainer(settings, new UnitFiles(storage.folder(settings.output())), context)) {
      if (task.first() == UnitTask.MODEL) {
        new ModelTraining(settings, parts, trainer).run(task.sequences());
      } else {
        new BlockTraining(settings, parts, trainer).run(task);
      }
    }
  }
}
