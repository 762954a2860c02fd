/**
 * Quantization on the device, in the bytes of {@link org.sparkao.quant.algorithm}, which is the
 * reference. No scheme is known by name here: {@link org.sparkao.gpu.quantize.DeviceScheme} turns
 * one into the numbers that the kernels of {@code src/main/cuda/quantize} are driven by.
 *
 * <p>Start with {@link org.sparkao.gpu.quantize.DeviceQuantizers}.
 */
package org.sparkao.gpu.quantize;
