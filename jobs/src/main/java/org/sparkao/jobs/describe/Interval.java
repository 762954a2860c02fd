package org.sparkao.jobs.describe;

import org.sparkao.jobs.table.EvalResultRow;

/**
 * The 95 % interval of a metric: 1.96 standard errors to both sides, of a share of items no further
 * than 0 and 1.
 */
final class Interval {
  private static final double ERRORS = 1.96;

  private Interval() {}

  /** The lower end; the value itself where there is no standard error. */
  static double low(EvalResultRow row) {
    double low = row.value() - half(row);
    return EvalResultRow.isShare(row.metric()) ? Math.max(0, low) : low;
  }

  /** The upper end; the value itself where there is no standard error. */
  static double high(EvalResultRow row) {
    double high = row.value() + half(row);
    return EvalResultRow.isShare(row.metric()) ? Math.min(1, high) : high;
  }

  private static double half(EvalResultRow row) {
    return ERRORS * row.spread().standardError().orElse(0);
  }
}
