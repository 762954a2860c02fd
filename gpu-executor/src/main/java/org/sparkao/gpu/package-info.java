/**
 * What runs on a GPU, or stands in for it on the CPU. No Spark, no Hadoop.
 *
 * <ul>
 *   <li>{@code device}: memory, streams, graphs of one device; with {@code module} the only package
 *       that imports JCuda or JNA, so that everything else is tested without a GPU;
 *   <li>{@code module}: kernels that the build compiled, and their launches;
 *   <li>{@code gemm}, {@code quantize}, {@code layer}: operators, each as an interface with a plain
 *       reference and a CUDA version;
 *   <li>{@code tensor}, {@code train}: matrices of training, and the forward and backward passes;
 *   <li>{@code fake}, {@code optimizer}: what training needs beside a model;
 *   <li>{@code executor}: the one holder of the GPU in a JVM.
 * </ul>
 *
 * <p>Start with {@link org.sparkao.gpu.device.Device}. Every message to a user is made by {@link
 * org.sparkao.gpu.GpuErrors}.
 */
package org.sparkao.gpu;
