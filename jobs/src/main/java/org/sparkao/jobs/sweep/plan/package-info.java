/**
 * What a sweep is: its file, the cells that follow from it, and the keys by which their outcomes
 * are found again. Start with {@link org.sparkao.jobs.sweep.plan.SweepFile}.
 */
package org.sparkao.jobs.sweep.plan;
