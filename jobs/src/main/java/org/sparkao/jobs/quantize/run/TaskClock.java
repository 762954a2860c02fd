package org.sparkao.jobs.quantize.run;

import java.io.IOException;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import org.sparkao.gpu.quantize.DeviceTimes;
import org.sparkao.gpu.quantize.SliceQuantizer;
import org.sparkao.jobs.quantize.run.TaskTimes.GpuWork;
import org.sparkao.jobs.quantize.run.TaskTimes.Stage;
import org.sparkao.quant.algorithm.TensorQuantizer;

/** Measures where the time of one task goes. One thread uses it. */
final class TaskClock {
  private final Map<Stage, Long> stages = new EnumMap<>(Stage.class);
  private DeviceTimes device = DeviceTimes.NONE;
  private Optional<GpuWork> begin = Optional.empty();
  private Optional<GpuWork> end = Optional.empty();

  /** Work with files in it. */
  @FunctionalInterface
  interface Step {
    /** Does it. */
    void run() throws IOException;
  }

  /** Does a step, whose time counts. */
  void time(Stage stage, Step step) throws IOException {
    long start = System.nanoTime();
    try {
      step.run();
    } finally {
      add(stage, System.nanoTime() - start);
    }
  }

  void add(Stage stage, long nanos) {
    stages.merge(stage, nanos, Long::sum);
  }

  /** The time of a stage so far. */
  long nanos(Stage stage) {
    return stages.getOrDefault(stage, 0L);
  }

  /** What a quantizer has spent on its device, if it has one. */
  void add(TensorQuantizer quantizer) {
    if (quantizer instanceof SliceQuantizer slices) {
      device = device.plus(slices.times());
    }
  }

  /** The GPU when the file begins, where there is one. */
  void begin(Optional<GpuWork> work) {
    begin = work;
  }

  /** The same when it is finished. */
  void end(Optional<GpuWork> work) {
    end = work;
  }

  TaskTimes times() {
    return TaskTimes.of(stages, device, begin, end);
  }
}
