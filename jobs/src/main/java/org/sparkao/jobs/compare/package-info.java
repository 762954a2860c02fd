/**
 * The job {@code compare}: two runs of {@code evaluate}, item by item, from the table alone. Start
 * with {@link org.sparkao.jobs.compare.CompareJob}.
 */
package org.sparkao.jobs.compare;
