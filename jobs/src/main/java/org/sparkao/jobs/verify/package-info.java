/**
 * The job {@code verify}: whether vLLM and transformers would load a checkpoint, and mean the same
 * by it as its writer did. Reads headers, scales and, when the run is known, the bytes that its
 * tables have hashes of; never interprets weights.
 *
 * <p>What a module must consist of is stated here anew from the format's description and not taken
 * from the writer in {@code org.sparkao.quant}: a check that shares code with what it checks shares
 * its mistakes.
 *
 * <p>Start at {@link org.sparkao.jobs.verify.Rules}, the list of what is checked. A new check is a
 * class that implements {@code Rule} and a line there.
 */
package org.sparkao.jobs.verify;
