/**
 * The operators of a decoder layer beside its matrix products: norms, rotation, cache, SwiGLU,
 * attention, embedding, log-probabilities. Activations are bf16, arithmetic is fp32. Each has an
 * interface, a plain reference on the CPU that defines it, and a launcher of the kernels of {@code
 * src/main/cuda/layer} and {@code src/main/cuda/attention}. Matrix products are in {@code gemm}.
 * {@link org.sparkao.gpu.layer.AttentionLayer} puts them together to one half of a layer.
 *
 * <p>An operator checks sizes, then works in the order of the calling thread's stream; it never
 * waits. A row or sequence gets the same bits whatever stands beside it.
 *
 * <p>Start with {@link org.sparkao.gpu.layer.HeadShape}.
 */
package org.sparkao.gpu.layer;
