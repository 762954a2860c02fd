package org.sparkao.jobs.train.run;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.concurrent.locks.ReentrantLock;
import org.apache.spark.BarrierTaskContext;
import org.apache.spark.TaskContext;
import org.sparkao.gpu.GpuException;
import org.sparkao.jobs.evaluate.run.ModelParts;
import org.sparkao.jobs.gpu.Turns;
import org.sparkao.jobs.quantize.run.ScalesReader;
import org.sparkao.jobs.spark.SparkSessions;
import org.sparkao.jobs.spark.TextWork;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.train.plan.Averaging;
import org.sparkao.quant.QuantException;

/** What an executor does for some blocks, or for the model. */
final class TrainWork implements TextWork<UnitTask> {
  private static final long serialVersionUID = 1;

  private final TrainSettings settings;

  TrainWork(TrainSettings settings) {
    this.settings = settings;
  }

  /** What cannot be done comes back as a refusal: trying again would not help. */
  @Override
  public String run(UnitTask task, TaskContext context) throws IOException {
    if (task.first() == task.end()) {
      return outcome();
    }
    // Workers cannot take turns, they wait for each other.
    boolean shared = settings.options().averaging().isShared();
    ReentrantLock turn = Turns.at(settings.model().device());
    if (!shared) {
      turn.lock();
    }
    try {
      TrainDevice.run(settings.options().compute(), shared, () -> train(task, context));
      return UnitOutcome.done(settings.options().compute()).toJson();
    } catch (QuantException | GpuException e) {
      return UnitOutcome.refused(e.getMessage()).toJson();
    } catch (UncheckedIOException e) {
      throw e.getCause();
    } finally {
      if (!shared) {
        turn.unlock();
      }
    }
  }

  /** What this executor has. */
  private String outcome() {
    try {
      return UnitOutcome.done(settings.options().compute()).toJson();
    } catch (GpuException e) {
      return UnitOutcome.refused(e.getMessage()).toJson();
    }
  }

  private void train(UnitTask task, TaskContext context) throws IOException {
    Storage storage =
        Storage.ofSettings(SparkSessions.taskSettings()).withScratch(SparkSessions.taskScratch());
    Folder output = storage.folder(settings.output());
    Team team = team(output, context);
    UnitFiles files = new UnitFiles(output);
    ScalesReader scales = new ScalesReader(settings.scales(), storage);
    try (ModelParts student = ModelParts.open(settings.model(), storage);
        ModelParts teacher = ModelParts.open(settings.teacher(), storage);
        UnitTrainer trainer = new UnitTrainer(settings, files, scales, context, team)) {
      scales.requireUnchanged();
      if (task.first() == UnitTask.MODEL) {
        new ModelTraining(settings, student, teacher, trainer).run(task.sequences());
      } else {
        new BlockTraining(settings, student, teacher, trainer).run(task);
      }
    } catch (QuantException | GpuException e) {
      team.refuse(e.getMessage());
      throw e;
    }
  }

  private Team team(Folder output, TaskContext context) {
    Averaging averaging = settings.options().averaging();
    return averaging.isShared()
        ? new BarrierTeam(UnitTask.MODEL, averaging, output, (BarrierTaskContext) context)
        : Team.alone(new UnitFiles(output));
  }
}
