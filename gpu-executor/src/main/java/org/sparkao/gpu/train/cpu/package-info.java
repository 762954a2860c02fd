/**
 * {@link org.sparkao.gpu.train.TrainingOperators} on the processor, in fp32 with the vector API.
 *
 * <p>Start with {@link org.sparkao.gpu.train.cpu.CpuTrainingOperators}.
 */
package org.sparkao.gpu.train.cpu;
