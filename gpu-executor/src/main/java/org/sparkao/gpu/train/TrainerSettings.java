package org.sparkao.gpu.train;

import java.util.Locale;
import java.util.Objects;
import org.sparkao.gpu.optimizer.AdamWSettings;
import org.sparkao.gpu.optimizer.CosineSchedule;
import org.sparkao.gpu.optimizer.GradientClipping;
import org.sparkao.gpu.optimizer.StateFormat;

/**
 * How a training goes. Two trainings with equal settings, data and model give the same bits.
 *
 * @param adamW of matrices; vectors have no weight decay
 * @param decay where weight decay moves matrices to
 * @param states what moments are stored as
 * @param schedule of the learning rate, and the number of steps
 * @param scaleShare the learning rate of learned scales, as a share of the schedule's
 * @param clipping of all gradients together
 * @param itemsPerStep items whose mean loss a step lowers
 * @param seed of the order of items, and of what is rounded at random
 */
public record TrainerSettings(
    AdamWSettings adamW,
    Decay decay,
    StateFormat states,
    CosineSchedule schedule,
    double scaleShare,
    GradientClipping clipping,
    int itemsPerStep,
    long seed) {
  /** Where weight decay moves to. */
  public enum Decay {
    /** Smaller weights (Loshchilov and Hutter 2019). */
    ZERO,
    /** The values that the training began with (L2-SP, Li et al. 2018, equation 2), decoupled. */
    START;

    /** The name on the command line. */
    public String configName() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** Checks the numbers. */
  public TrainerSettings {
    Objects.requireNonNull(adamW, "adamW");
    Objects.requireNonNull(decay, "decay");
    Objects.requireNonNull(states, "states");
    Objects.requireNonNull(schedule, "schedule");
    Objects.requireNonNull(clipping, "clipping");
    if (!(scaleShare > 0)) {
      throw new IllegalArgumentException(scaleShare + " of the learning rate for scales");
    }
    if (itemsPerStep < 1) {
      throw new IllegalArgumentException(itemsPerStep + " items a step");
    }
  }
}
