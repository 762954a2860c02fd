/**
 * What moves parameters by their gradients: AdamW with states of 32, 8 and 4 bits, clipping, the
 * schedule of the learning rate, and the file that states are kept in. Start with {@link
 * org.sparkao.gpu.optimizer.AdamW}. Gradients come from elsewhere.
 */
package org.sparkao.gpu.optimizer;
