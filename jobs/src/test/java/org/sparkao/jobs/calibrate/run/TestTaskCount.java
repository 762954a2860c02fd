package org.sparkao.jobs.calibrate.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.sparkao.jobs.gpu.ExecutorCount;

/** How many tasks share the groups. */
class TestTaskCount {
  private static final OptionalInt NONE = OptionalInt.empty();

  @Test
  void oneADevice() {
    assertThat(TaskCount.of(new ExecutorCount(1, 1), NONE, NONE).count()).isEqualTo(1);
    TaskCount local = TaskCount.of(new ExecutorCount(1, 2), NONE, NONE);
    assertThat(local.count()).isEqualTo(2);
    assertThat(local.together()).isEqualTo(2);
    TaskCount cluster = TaskCount.of(new ExecutorCount(5, 1), NONE, NONE);
    assertThat(cluster.count()).isEqualTo(5);
    assertThat(cluster.together()).isEqualTo(1);
  }

  /** What one executor is asked for beside its turn waits without memory. */
  @Test
  void tasksThatTakeTurns() {
    TaskCount tasks = TaskCount.of(new ExecutorCount(1, 1), OptionalInt.of(7), NONE);
    assertThat(tasks.count()).isEqualTo(7);
    assertThat(tasks.together()).isEqualTo(1);
    assertThat(tasks.note()).isEmpty();
  }

  @Test
  void tasksThatWaitForEachOtherHaveASlotEach() {
    TaskCount tasks = TaskCount.of(new ExecutorCount(2, 1), OptionalInt.of(7), OptionalInt.of(4));
    assertThat(tasks.count()).isEqualTo(4);
    assertThat(tasks.together()).isEqualTo(2);
    assertThat(tasks.note())
        .contains(
            "--partitions 7: tasks of --sequential wait for each other, and 4 can run at the same"
                + " time");
    assertThat(
            TaskCount.of(new ExecutorCount(1, 1), OptionalInt.of(3), OptionalInt.of(4)).together())
        .isEqualTo(3);
  }
}
