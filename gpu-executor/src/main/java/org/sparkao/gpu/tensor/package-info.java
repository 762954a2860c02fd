/**
 * Matrices of numbers that training computes with: weights, gradients, hidden states. What stands
 * in them is fp32 on the processor; a device may store hidden states with fewer bits.
 *
 * <p>Start with {@link org.sparkao.gpu.tensor.Tensor}; on the processor it is a {@link
 * org.sparkao.gpu.tensor.HostTensor}, on a GPU a {@link org.sparkao.gpu.tensor.CudaTensor}.
 * Operators on tensors are in {@code train}, {@code fake} and {@code optimizer}.
 */
package org.sparkao.gpu.tensor;
