package org.sparkao.jobs.evaluate.plan;

import java.util.Locale;

/** What becomes of an item that is longer than the model's context. */
public enum TooLong {
  /** Its context loses tokens on the left, as in lm-evaluation-harness; counted and stored. */
  TRUNCATE,
  /** The evaluation is refused. */
  REFUSE;

  /** The name on the command line. */
  public String configName() {
    return name().toLowerCase(Locale.ROOT);
  }
}
