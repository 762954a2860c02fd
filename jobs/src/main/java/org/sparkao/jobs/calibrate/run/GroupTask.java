package org.sparkao.jobs.calibrate.run;

import java.io.Serializable;
import java.util.List;

/**
 * What a task is told.
 *
 * @param firstGroup of its groups
 * @param endGroup behind the last one; equal for a task that only says how it would compute
 * @param sequences tokens of all their samples, in order
 */
record GroupTask(int firstGroup, int endGroup, List<int[]> sequences) implements Serializable {
  GroupTask {
    sequences = List.copyOf(sequences);
  }

  int groups() {
    return endGroup - firstGroup;
  }
}
