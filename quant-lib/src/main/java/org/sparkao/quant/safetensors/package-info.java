/**
 * Reading and writing safetensors checkpoints by ranges. Start with {@link
 * org.sparkao.quant.safetensors.ByteSource}.
 */
package org.sparkao.quant.safetensors;
