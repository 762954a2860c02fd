/** How wrong a quantized tensor is. */
package org.sparkao.quant.metric;
