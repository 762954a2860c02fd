package org.sparkao.jobs.calibrate.run;

import java.io.Serializable;
import java.util.List;

/**
 * What a task is told.
 *
 * @param firstGroup of its groups
 * @param endGroup behind the last one; equal for a task that only says how it would compute
 * @param sequences tokens of all their samples, in order
 * @param index of the task, of {@code count} that share the groups
 */
record GroupTask(int firstGroup, int endGroup, List<int[]> sequences, int index, int count)
    implements Serializable {
  GroupTask {
    sequences = List.copyOf(sequences);
  }

  /** A task that says how it would compute. */
  static GroupTask asking() {
    return new GroupTask(0, 0, List.of(), 0, 1);
  }

  int groups() {
    return endGroup - firstGroup;
  }
}
