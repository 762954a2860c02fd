package org.sparkao.quant.algorithm;

/**
 * Consecutive elements of one row that share a scale, and where their codes go. Reused from group
 * to group by one thread; the arrays belong to the caller.
 */
final class GroupSlice {
  /** Little-endian elements. */
  byte[] source;

  /** Byte of the first element. */
  int offset;

  /** Elements. */
  int count;

  /** Receives one code a byte. */
  byte[] codes;

  /** Index of the first code. */
  int codeOffset;

  /** Whether the group goes the careful way: {@link GroupRange#needsCare}. */
  boolean careful;

  /** Largest finite magnitude among the elements, or more. */
  float amax;
}
