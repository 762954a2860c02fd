/**
 * The job {@code quickstart}: the other jobs, one after the other, on the sample checkpoint that
 * comes with this program. It has no work of its own; start at {@link
 * org.sparkao.jobs.quickstart.QuickstartJob}.
 */
package org.sparkao.jobs.quickstart;
