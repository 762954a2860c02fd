/** How codes are chosen. Start with {@link org.sparkao.quant.algorithm.TensorQuantizer}. */
package org.sparkao.quant.algorithm;
