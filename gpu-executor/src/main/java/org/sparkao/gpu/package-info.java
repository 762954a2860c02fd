/**
 * Devices, kernels and the model runtime: what runs on a GPU or stands in for it on the CPU,
 * written once against operator interfaces. No Spark, no Hadoop. {@code device} and {@code module}
 * will be the only packages that import JCuda; {@code gemm}, {@code quantize} and {@code model}
 * follow with the first kernels.
 */
package org.sparkao.gpu;
