/**
 * Kernels: what the build compiled from {@code src/main/cuda}, found by operation and function, and
 * launched with typed arguments. Which kernel runs for which shape is the operators' business.
 *
 * <p>Start with {@link org.sparkao.gpu.module.KernelLibrary}.
 */
package org.sparkao.gpu.module;
