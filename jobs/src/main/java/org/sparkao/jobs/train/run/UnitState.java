package org.sparkao.jobs.train.run;

import com.fasterxml.jackson.annotation.JsonIgnore;
import java.util.List;

/**
 * How far a unit is.
 *
 * @param unit number of the block, or {@link UnitTask#MODEL}
 * @param step of the values that are kept
 * @param steps of the whole training
 * @param workers that train it together: parts of its values
 * @param records of all steps until there
 */
record UnitState(int unit, int step, int steps, int workers, List<StepRecord> records) {
  UnitState {
    records = List.copyOf(records);
  }

  /** Whether nothing is left to do. */
  @JsonIgnore
  boolean isFinished() {
    return step == steps;
  }
}
