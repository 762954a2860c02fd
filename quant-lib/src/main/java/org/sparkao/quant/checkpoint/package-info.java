/**
 * A checkpoint as a folder: which files belong to it, where each tensor lies, how a weight is read
 * whatever its stored form, and the index that is written last. Start with {@link
 * org.sparkao.quant.checkpoint.Checkpoint}. Single files belong in {@code safetensors}.
 */
package org.sparkao.quant.checkpoint;
