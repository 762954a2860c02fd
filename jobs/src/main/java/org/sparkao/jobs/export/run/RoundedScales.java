package org.sparkao.jobs.export.run;

/** Scales of codes that were rounded to the fp16 of blocks. For one thread. */
final class RoundedScales {
  private long all;
  private long rounded;

  /** Counts a scale and what it became. */
  void add(float scale, float stored) {
    all++;
    rounded += scale == stored ? 0 : 1;
  }

  long all() {
    return all;
  }

  long rounded() {
    return rounded;
  }
}
