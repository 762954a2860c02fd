/**
 * GPTQ on a GPU, in the bits of {@link org.sparkao.quant.calibrated.CpuGptq}, which is the
 * reference. What is here is the factor and the rounding of rows; scales, packing and statistics
 * are those of quant-lib, on the host.
 *
 * <p>Start with {@link org.sparkao.gpu.gptq.CudaGptq}.
 */
package org.sparkao.gpu.gptq;
