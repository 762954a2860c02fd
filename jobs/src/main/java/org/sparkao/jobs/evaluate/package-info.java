/**
 * The job {@code evaluate}: a checkpoint and tasks in, rows and metrics out. Start with {@link
 * org.sparkao.jobs.evaluate.EvaluateJob}; {@code plan} decides, {@code run} carries out.
 */
package org.sparkao.jobs.evaluate;
