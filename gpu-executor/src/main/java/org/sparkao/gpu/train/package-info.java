/**
 * Training: forward and backward passes of the Llama family, and what makes steps of them. The
 * model is written once against {@link org.sparkao.gpu.train.TrainingOperators}; {@code cpu} has
 * them for the processor.
 *
 * <p>Start with {@link org.sparkao.gpu.train.TrainableModel} and {@link
 * org.sparkao.gpu.train.Trainer}. No Spark, no files.
 */
package org.sparkao.gpu.train;
