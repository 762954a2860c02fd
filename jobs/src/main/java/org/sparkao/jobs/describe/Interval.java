package org.sparkao.jobs.describe;

import org.sparkao.jobs.table.EvalResultRow;

/** The 95 % interval of a metric: 1.96 standard errors to both sides. */
final class Interval {
  private static final double ERRORS = 1.96;

  private Interval() {}

  /** The lower end; the value itself where there is no standard error. */
  static double low(EvalResultRow row) {
    return row.value() - half(row);
  }

  /** The upper end; the value itself where there is no standard error. */
  static double high(EvalResultRow row) {
    return row.value() + half(row);
  }

  private static double half(EvalResultRow row) {
    return ERRORS * row.spread().standardError().orElse(0);
  }
}
