package org.sparkao.quant.checkpoint;

/**
 * A file or folder beside the checkpoint that is no part of it.
 *
 * @param name within the folder; folders end with a slash
 * @param reason why it is left out
 */
public record SkippedFile(String name, String reason) {}
