package org.sparkao.jobs.quantize.run;

import java.util.Map;
import java.util.Optional;
import org.sparkao.gpu.device.BusyTime;
import org.sparkao.gpu.device.BusyTime.Engine;
import org.sparkao.gpu.quantize.DeviceTimes;

/**
 * Where a task spent its time. Goes to the driver as JSON.
 *
 * @param stages nanoseconds of the task's thread, by what it did
 * @param device what its slices took on a GPU
 * @param begin what the GPU of the executor had done when the file began; null on the processor
 * @param end the same when it was finished
 */
record TaskTimes(Map<Stage, Long> stages, DeviceTimes device, GpuWork begin, GpuWork end) {

  /** What a thread does with a weight, in this order. */
  enum Stage {
    PERMIT("waiting for a permit"),
    READ("reading"),
    HAND_OVER("handing to the GPU"),
    WAIT("waiting for the GPU"),
    COMPUTE("computing"),
    WRITE("writing");

    private final String text;

    Stage(String text) {
      this.text = text;
    }

    /** For people. */
    String text() {
      return text;
    }
  }

  /**
   * Nanoseconds that GPUs of an executor were at work since it opened them; what happens on one at
   * the same time counts once.
   *
   * @param gpus how many
   */
  record GpuWork(int gpus, long copyIn, long compute, long copyOut, long any) {
    static final GpuWork NONE = new GpuWork(0, 0, 0, 0, 0);

    static GpuWork of(BusyTime busy) {
      return new GpuWork(
          1,
          busy.nanos(Engine.COPY_IN),
          busy.nanos(Engine.COMPUTE),
          busy.nanos(Engine.COPY_OUT),
          busy.nanos());
    }

    GpuWork plus(GpuWork other) {
      return new GpuWork(
          gpus + other.gpus,
          copyIn + other.copyIn,
          compute + other.compute,
          copyOut + other.copyOut,
          any + other.any);
    }

    /** What the same GPUs did since. */
    GpuWork minus(GpuWork earlier) {
      return new GpuWork(
          gpus,
          copyIn - earlier.copyIn,
          compute - earlier.compute,
          copyOut - earlier.copyOut,
          any - earlier.any);
    }
  }

  static TaskTimes of(
      Map<Stage, Long> stages, DeviceTimes device, Optional<GpuWork> begin, Optional<GpuWork> end) {
    return new TaskTimes(Map.copyOf(stages), device, begin.orElse(null), end.orElse(null));
  }
}
