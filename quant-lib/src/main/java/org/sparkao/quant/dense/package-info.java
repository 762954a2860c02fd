/**
 * Dense fp32 algebra on matrices that fit in memory, for methods that need second moments of
 * activations: X^T X, Cholesky factors, triangular inverses. Every element is one chain of fused
 * multiply-adds in a fixed order, so that neither threads nor blocks nor the processor change a
 * bit. Start with {@link org.sparkao.quant.dense.GramProduct} and {@link
 * org.sparkao.quant.dense.InverseFactor}.
 */
package org.sparkao.quant.dense;
