package org.sparkao.jobs.calibrate.run;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.apache.spark.TaskContext;
import org.sparkao.gpu.device.DeviceInfo;
import org.sparkao.gpu.executor.GpuExecutor;
import org.sparkao.gpu.layer.HeadShape;
import org.sparkao.gpu.model.BlockInputs;
import org.sparkao.gpu.model.BlockRunner;
import org.sparkao.jobs.calibrate.plan.CalibrateOptions;
import org.sparkao.jobs.evaluate.run.ModelParts;
import org.sparkao.jobs.evaluate.run.ModelRequest;
import org.sparkao.jobs.evaluate.run.OneWay;
import org.sparkao.jobs.gpu.ExecutorGpu;
import org.sparkao.jobs.gpu.Turns;
import org.sparkao.jobs.spark.SparkSessions;
import org.sparkao.jobs.spark.TextWork;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.observe.Workers;

/**
 * What an executor does for some groups: takes their sequences through all blocks, and leaves what
 * it saw in {@link BlockFiles}. What is there already, it does not look at again.
 */
final class GroupWork implements TextWork<GroupTask> {
  private static final long serialVersionUID = 1;

  private final ModelRequest model;
  private final String output;
  private final CalibrateOptions options;
  private final String way;

  /** {@code way}: how everybody computes; empty before it is known. */
  GroupWork(ModelRequest model, String output, CalibrateOptions options, String way) {
    this.model = model;
    this.output = output;
    this.options = options;
    this.way = way;
  }

  /** What cannot be done comes back as a refusal: trying again would not help. */
  @Override
  public String run(GroupTask task, TaskContext context) throws IOException {
    ReentrantLock turn = Turns.at(model.device());
    turn.lock();
    try {
      return outcome(task, context, turn).toJson();
    } catch (QuantException e) {
      return GroupOutcome.refused(e.getMessage()).toJson();
    } catch (UncheckedIOException e) {
      throw e.getCause();
    } finally {
      turn.unlock();
    }
  }

  /** Tasks that wait for each other need no permit: one of them computes at a time. */
  private GroupOutcome outcome(GroupTask task, TaskContext context, ReentrantLock turn) {
    if (model.device().kind() == DeviceInfo.Kind.CPU) {
      return calibrate(task, context, turn);
    }
    GpuExecutor gpu = ExecutorGpu.require();
    Supplier<GroupOutcome> work = () -> calibrate(task, context, turn);
    return options.sequential().asked() ? gpu.runWithoutPermit(work) : gpu.run(work);
  }

  private GroupOutcome calibrate(GroupTask task, TaskContext context, ReentrantLock turn) {
    Storage storage =
        Storage.ofSettings(SparkSessions.taskSettings()).withScratch(SparkSessions.taskScratch());
    try (ModelParts parts = ModelParts.open(model, storage);
        BlockRunner runner =
            BlockRunner.open(
                parts.checkpoint(),
                parts.files(),
                parts.operators(),
                options.sequenceLength(),
                Workers.ALL_CORES)) {
      GroupOutcome outcome =
          new GroupOutcome(
              model.device().kind() == DeviceInfo.Kind.CUDA
                  ? runner.numerics() + "; " + DeviceGroups.version(options)
                  : runner.numerics(),
              ExecutorGpu.label(model.device()),
              Runtime.getRuntime().maxMemory(),
              "");
      OneWay.require(way, outcome.way());
      if (task.groups() > 0) {
        BlockFiles files = new BlockFiles(storage.folder(output), options.groups());
        List<BlockInputs> blocks = BlockRunner.inspect(parts.checkpoint(), parts.files());
        Optional<DeviceGroups> onDevice = onDevice(parts, runner.config().heads(), blocks);
        try {
          if (options.sequential().asked()) {
            InputQuantizer quantizer =
                new InputQuantizer(
                    options.sequential(), parts.files(), DeviceGptq.of(model.device()));
            SequentialPass.Tools tools = new SequentialPass.Tools(quantizer, onDevice);
            Waiting waiting = new Waiting(context, turn, files);
            new SequentialPass(task, options, files, tools, runner, waiting).run(blocks);
          } else {
            new GroupPass(task, options, files, runner, onDevice).run(blocks, context);
          }
        } finally {
          onDevice.ifPresent(DeviceGroups::close);
        }
      }
      return outcome;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Statistics of a GPU; the caller closes them. */
  private Optional<DeviceGroups> onDevice(
      ModelParts parts, HeadShape heads, List<BlockInputs> blocks) {
    return model.device().kind() == DeviceInfo.Kind.CUDA
        ? Optional.of(
            new DeviceGroups(
                ExecutorGpu.require().kernels(),
                parts.operators().arithmetic(),
                options,
                heads,
                blocks))
        : Optional.empty();
  }
}
