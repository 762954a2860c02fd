/**
 * Fake quantization: numbers are quantized and dequantized in the forward pass of training, so that
 * the model learns to live with the error, and gradients go through by the straight-through
 * estimator (Bengio et al. 2013).
 *
 * <p>Start with {@link org.sparkao.gpu.fake.WeightFake} and {@link
 * org.sparkao.gpu.fake.ActivationFake}, which a linear layer of {@code train} calls.
 */
package org.sparkao.gpu.fake;
