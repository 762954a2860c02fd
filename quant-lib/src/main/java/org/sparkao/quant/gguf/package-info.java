/**
 * GGUF files: how numbers lie in blocks, and the header. Block formats give the bytes of
 * llama.cpp's reference code: fp32 arithmetic in its order, nothing fused. Start with {@link
 * org.sparkao.quant.gguf.GgufType} and {@link org.sparkao.quant.gguf.GgufHeader}.
 */
package org.sparkao.quant.gguf;
