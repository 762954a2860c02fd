/**
 * What a {@code config.json} says about the quantization of a checkpoint, anybody's: which modules,
 * how stored, how their inputs are quantized, and what loaders will not like about it. Tensors are
 * not looked at. The quantization_config of what {@code quantize} writes is made in {@code jobs}.
 *
 * <p>Start with {@link org.sparkao.quant.config.ConfigReader}.
 */
package org.sparkao.quant.config;
