package org.sparkao.jobs.quantize.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.sparkao.gpu.quantize.DeviceTimes;
import org.sparkao.jobs.quantize.run.TaskTimes.GpuWork;
import org.sparkao.jobs.quantize.run.TaskTimes.Stage;

/** Where the time of a run went, as it is told. */
class TestRunTimes {
  private static final long SECOND = 1_000_000_000;

  private final RunTimes times = new RunTimes();

  private static ShardOutcome outcome(String executor, long seconds, TaskTimes times) {
    ShardOutcome outcome =
        new ShardOutcome(
            "file",
            1,
            List.of(),
            seconds * SECOND,
            times,
            new ShardOutcome.Attempt("id", 0, executor, "here", 5, "cuda sm_90"),
            "");
    return ShardOutcome.fromJson(outcome.toJson());
  }

  private static TaskTimes onGpu(GpuWork begin, GpuWork end) {
    return new TaskTimes(Map.of(Stage.READ, SECOND), DeviceTimes.NONE, begin, end);
  }

  private static GpuWork work(long copyIn, long compute, long copyOut, long any) {
    return new GpuWork(1, copyIn * SECOND, compute * SECOND, copyOut * SECOND, any * SECOND);
  }

  @Test
  void nothingIsToldWithoutTasks() {
    assertThat(times.lines(SECOND)).isEmpty();
  }

  @Test
  void sharesAreThoseOfAllTasks() {
    Map<Stage, Long> stages = Map.of(Stage.WRITE, SECOND, Stage.READ, 5 * SECOND);
    times.add(outcome("1", 6, new TaskTimes(stages, DeviceTimes.NONE, null, null)));
    times.add(outcome("1", 4, new TaskTimes(Map.of(), DeviceTimes.NONE, null, null)));

    assertThat(times.lines(7 * SECOND))
        .containsExactly("time of 2 tasks, 10.0 s: reading 50 %, writing 10 %, the rest 40 %");
  }

  @Test
  void tasksOfAGpuShareItsTime() {
    times.add(outcome("1", 5, onGpu(work(1, 1, 1, 2), work(3, 2, 1, 4))));
    times.add(outcome("1", 5, onGpu(work(2, 1, 1, 3), work(4, 2, 2, 5))));
    times.add(outcome("2", 5, onGpu(work(0, 0, 0, 0), work(5, 0, 0, 5))));

    assertThat(times.lines(10 * SECOND).get(1))
        .isEqualTo(
            "2 GPUs for 10.0 s: copying in 40 %, computing 5 %, copying back 5 %, idle 60 %");
  }
}
