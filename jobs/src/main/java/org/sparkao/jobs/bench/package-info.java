/**
 * The job {@code bench}: times operations on this machine, checked first, and keeps the times in
 * the table {@code benchmarks}. One class an operation, all of them in {@link
 * org.sparkao.jobs.bench.Benchmarks}. Start with {@link org.sparkao.jobs.bench.BenchJob}.
 */
package org.sparkao.jobs.bench;
