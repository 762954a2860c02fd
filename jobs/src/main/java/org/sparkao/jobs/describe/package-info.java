/**
 * The jobs {@code runs} and {@code describe}: what the Delta tables say about runs, on a terminal
 * and as a page of HTML. {@link org.sparkao.jobs.describe.RunDescription} is what is shown, as
 * values; {@code RunTables} reads it, {@code TextReport} and {@code HtmlReport} write it.
 */
package org.sparkao.jobs.describe;
