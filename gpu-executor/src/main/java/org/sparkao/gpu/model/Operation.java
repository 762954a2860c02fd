package org.sparkao.gpu.model;

/**
 * Which family of kernels multiplies in a pass. What a pass does decides it, or for steps of
 * decoding {@link ModelSettings#steps}; never the number of rows.
 */
public enum Operation {
  /** Many tokens of each sequence at once. */
  PREFILL,
  /** The next token of each sequence, from a cache. */
  DECODE
}
