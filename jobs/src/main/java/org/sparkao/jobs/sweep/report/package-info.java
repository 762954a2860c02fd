/**
 * A sweep as people read it: a table, pictures, a page. Start with {@link
 * org.sparkao.jobs.sweep.report.SweepView}.
 */
package org.sparkao.jobs.sweep.report;
