package org.sparkao.gpu.model;

/** What a pass does. It decides which family of kernels runs, never the number of rows. */
public enum Operation {
  /** Many tokens of each sequence at once. */
  PREFILL,
  /** The next token of each sequence, from a cache. */
  DECODE
}
