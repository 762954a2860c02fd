/**
 * Operators of training on a GPU, over kernels of {@code src/main/cuda}. Start with {@link
 * org.sparkao.gpu.train.cuda.CudaTrainingOperators}.
 */
package org.sparkao.gpu.train.cuda;
