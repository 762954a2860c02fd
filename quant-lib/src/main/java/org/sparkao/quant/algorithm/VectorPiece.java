package org.sparkao.quant.algorithm;

/**
 * Some elements of a group on their way through the stages of a {@link VectorKernel}. Reused from
 * piece to piece by one thread.
 */
final class VectorPiece {
  /** Elements that fit: weights and values stay in the first-level cache. */
  static final int CAPACITY = 512;

  /** Weights in fp32. */
  final float[] weights = new float[CAPACITY];

  /** Quotients, then what the codes stand for, then dequantized weights. */
  final float[] values = new float[CAPACITY];

  final CodeRule rule;

  /** Little-endian weights. */
  byte[] source;

  /** Byte of the first weight. */
  int offset;

  /** Elements, a multiple of eight. */
  int count;

  /** Receives one code a byte. */
  byte[] codes;

  /** Index of the first code. */
  int codeOffset;

  GroupScale scale;
  ErrorSums sums;

  VectorPiece(CodeRule rule) {
    this.rule = rule;
  }
}
