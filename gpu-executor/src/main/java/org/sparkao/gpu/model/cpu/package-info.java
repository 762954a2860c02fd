/**
 * {@link org.sparkao.gpu.model.ModelOperators} on the processor, with the vector API. The sum of
 * one output element is the same sequence of operations whatever rows stand beside it, however many
 * threads work and however wide a vector is.
 *
 * <p>Start with {@link org.sparkao.gpu.model.cpu.CpuModelOperators}.
 */
package org.sparkao.gpu.model.cpu;
