/**
 * The operators of a model on a GPU: {@link org.sparkao.gpu.model.cuda.CudaModelOperators} chooses
 * those of an arithmetic. Linear layers of a stack share a product where their forms allow it, and
 * one copy of every weight serves prompts and decoding.
 *
 * <p>Kernels, their layouts and their limits belong to the packages of the operators.
 */
package org.sparkao.gpu.model.cuda;
