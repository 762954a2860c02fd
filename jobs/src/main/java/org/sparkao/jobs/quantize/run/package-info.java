/**
 * Carrying out a plan: who owns the output, one Spark task a file, rows into the tables as files
 * finish, the last files. Start with {@link org.sparkao.jobs.quantize.run.QuantizeRun}.
 */
package org.sparkao.jobs.quantize.run;
