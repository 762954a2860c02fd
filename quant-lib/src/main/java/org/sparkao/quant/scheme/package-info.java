/** What a quantized tensor is, as data. Start with {@link org.sparkao.quant.scheme.Schemes}. */
package org.sparkao.quant.scheme;
