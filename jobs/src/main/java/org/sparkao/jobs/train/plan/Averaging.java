package org.sparkao.jobs.train.plan;

import java.io.Serializable;
import java.util.Objects;
import org.sparkao.gpu.train.OuterSettings;

/**
 * Workers that train one model, each on its own share of the data, and how often their values are
 * averaged (local SGD; with momentum DiLoCo, Douillard et al. 2023).
 *
 * @param workers tasks at the same time
 * @param localSteps steps of each between averages
 * @param outer how values move to the means
 */
public record Averaging(int workers, int localSteps, OuterSettings outer) implements Serializable {
  /** One worker, which needs no average. */
  public static final Averaging NONE = new Averaging(1, 1, new OuterSettings(1, 0));

  /** Checks the numbers. */
  public Averaging {
    Objects.requireNonNull(outer, "outer");
    if (workers < 1 || localSteps < 1) {
      throw new IllegalArgumentException(workers + " workers, " + localSteps + " local steps");
    }
  }

  /** Whether there is more than one. */
  public boolean isShared() {
    return workers > 1;
  }
}
