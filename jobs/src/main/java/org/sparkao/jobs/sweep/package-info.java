/**
 * The job {@code sweep}: models x schemes x algorithms x tasks by the other jobs, each combination
 * once. {@code plan} reads the file and says what there is to do, {@code run} does what is missing,
 * {@code report} shows what came out. Start with {@link org.sparkao.jobs.sweep.SweepJob}.
 */
package org.sparkao.jobs.sweep;
