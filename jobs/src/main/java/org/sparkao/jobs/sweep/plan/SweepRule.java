package org.sparkao.jobs.sweep.plan;

/**
 * Options for some combinations.
 *
 * @param when which
 * @param options that win over those of rules before, of values and of the file
 */
record SweepRule(Selector when, JobOptions options) {}
