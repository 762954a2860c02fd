/**
 * Spark itself: its start, what Kryo may read. Nothing about quantization. Start with {@link
 * org.sparkao.jobs.spark.SparkSessions}.
 */
package org.sparkao.jobs.spark;
