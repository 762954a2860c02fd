/** Carries a plan out: parts over executors, Parquet files, the row in {@code runs}. */
package org.sparkao.jobs.generate.run;
