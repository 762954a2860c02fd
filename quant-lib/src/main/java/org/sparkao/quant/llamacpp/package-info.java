/**
 * Files of llama.cpp as checkpoints of transformers: names of tensors, what {@code config.json} and
 * the tokenizer's files would say, and numbers decoded on reading. Start with {@link
 * org.sparkao.quant.llamacpp.GgufFiles}. Blocks and headers belong in {@code gguf}.
 */
package org.sparkao.quant.llamacpp;
