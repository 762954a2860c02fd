package org.sparkao.jobs.train.plan;

import java.util.Locale;

/** What a block that is trained by itself reads. */
public enum BlockInputs {
  /** The hidden states of the teacher: blocks are independent. */
  TEACHER,
  /** Those of the trained blocks before it, whose errors it learns to make up for. */
  STUDENT;

  /** The name on the command line. */
  public String configName() {
    return name().toLowerCase(Locale.ROOT);
  }
}
