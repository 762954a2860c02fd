package org.sparkao.jobs.train.run;

import java.io.IOException;
import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.train.Trainer;

/** The workers that train a unit at the same time; this task is one of them. */
interface Team {
  /** Which one, from 0. */
  int worker();

  /**
   * Comes together before the first step.
   *
   * @param trainer has the values that training begins with
   * @param kept what all go on from; empty at first
   */
  void begin(Trainer trainer, Optional<UnitState> kept) throws IOException;

  /**
   * Gives all workers the same values, after steps that each made alone; the files of a state are
   * written then, where one is kept.
   *
   * @param own of these steps
   * @param saves whether a state is kept then
   * @return of the steps of all workers together
   */
  List<StepRecord> average(Trainer trainer, List<StepRecord> own, boolean saves) throws IOException;

  /** Makes the state count that an average kept, and forgets the one before. */
  void keep(Trainer trainer, UnitState state, Optional<UnitState> before) throws IOException;

  /** Tells the others why this worker cannot go on, which is why they do not either. */
  void refuse(String reason);

  /** One worker. */
  static Team alone(UnitFiles files) {
    return new Team() {
      @Override
      public int worker() {
        return 0;
      }

      @Override
      public void begin(Trainer trainer, Optional<UnitState> kept) {}

      @Override
      public List<StepRecord> average(Trainer trainer, List<StepRecord> own, boolean saves) {
        return own;
      }

      @Override
      public void refuse(String reason) {}

      @Override
      public void keep(Trainer trainer, UnitState state, Optional<UnitState> before)
          throws IOException {
        files.keep(trainer, state, before);
      }
    };
  }
}
