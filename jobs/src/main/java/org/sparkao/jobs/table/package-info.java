/**
 * The Delta tables. One class a table holds its columns with their documentation and its row;
 * {@link org.sparkao.jobs.table.Tables} lists them. {@link org.sparkao.jobs.table.DeltaStore} reads
 * and appends. Nothing here knows how a row came about.
 */
package org.sparkao.jobs.table;
