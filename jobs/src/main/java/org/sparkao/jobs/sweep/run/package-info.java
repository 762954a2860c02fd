/**
 * A sweep at work: one driver at a time, cells side by side, rows as they end, comparisons last.
 * Start with {@link org.sparkao.jobs.sweep.run.SweepRun}.
 */
package org.sparkao.jobs.sweep.run;
