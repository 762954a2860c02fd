/**
 * Carries out an evaluation: executors open the model once and compute batches, the driver commits
 * a row an item and puts results together. Start with {@link
 * org.sparkao.jobs.evaluate.run.EvaluateRun}.
 */
package org.sparkao.jobs.evaluate.run;
