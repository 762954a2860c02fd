/**
 * The one holder of the GPU in a JVM: who may use it, how much of its memory, and what happens when
 * that does not suffice. No kernels, no Spark.
 *
 * <p>Start with {@link org.sparkao.gpu.executor.GpuExecutor}.
 */
package org.sparkao.gpu.executor;
