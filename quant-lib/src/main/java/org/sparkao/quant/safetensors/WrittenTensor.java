package org.sparkao.quant.safetensors;

/**
 * A tensor as it stands in a finished file.
 *
 * @param name as in the header
 * @param begin first byte, counted from the begin of the file
 * @param bytes length
 * @param sha256 of its bytes, lower-case hex
 */
public record WrittenTensor(String name, long begin, long bytes, String sha256) {}
