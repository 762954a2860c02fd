package org.sparkao.jobs.compare;

import org.sparkao.jobs.table.EvalItemRow;

/**
 * An item and what changed of it.
 *
 * @param a what run A's model said
 * @param b what run B's said
 * @param difference of the log-likelihood a token of the likeliest continuation, B - A
 */
record ChangedItem(EvalItemRow a, EvalItemRow b, double difference) {

  /** Whether one answer was right and the other wrong. */
  boolean flipped() {
    return !a.scores().correct().equals(b.scores().correct());
  }
}
