/**
 * How one number is stored: encoding with stated rounding and saturation, and decoding. No tensors,
 * no scales. Start with {@link org.sparkao.quant.format.NumberFormats}.
 */
package org.sparkao.quant.format;
