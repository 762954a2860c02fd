package org.sparkao.jobs.train.run;

import java.io.Serializable;
import java.util.List;

/**
 * What a task is told.
 *
 * @param first of its blocks; -1 for the whole model
 * @param end behind the last one; equal to {@code first} for a task that only says what it has
 * @param sequences of the data
 */
record UnitTask(int first, int end, List<int[]> sequences) implements Serializable {
  /** The unit that is the whole model. */
  static final int MODEL = -1;

  /** Says what an executor has. */
  static final UnitTask NOTHING = new UnitTask(0, 0, List.of());

  UnitTask {
    sequences = List.copyOf(sequences);
  }
}
