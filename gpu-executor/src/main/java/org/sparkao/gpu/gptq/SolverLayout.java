package org.sparkao.gpu.gptq;

import org.sparkao.gpu.device.Buffer;

/**
 * Where everything of some rows lies in one piece of device memory; parts begin at multiples of 256
 * bytes.
 *
 * @param rows of the weight
 * @param k its columns
 * @param groups scales side by side along a row
 * @param weightBytes of an element as it is stored
 */
record SolverLayout(int rows, int k, int groups, int weightBytes) {
  /**
   * Dynamic shared memory of gptq_round: U, 32 rows of weights, and of 16 columns their errors and
   * scales.
   */
  static final int SHARED_BYTES =
      Float.BYTES * (CudaFactor.BLOCK * CudaFactor.BLOCK + CudaFactor.BLOCK * 32 + 4 * 16 * 32);

  private static final int ALIGNMENT = 256;
  private static final int ROWS = 32;
  private static final int SCALES = 3;

  /** Rows, rounded up to what a block of threads rounds. */
  int pitch() {
    return (rows + ROWS - 1) / ROWS * ROWS;
  }

  long bytes() {
    return end(Part.values().length);
  }

  private enum Part {
    WEIGHTS,
    SKIPPED,
    GROUPS,
    SCALES,
    LOSSES,
    CLIPPED,
    ERRORS,
    WORK,
    STEPS
  }

  private long size(Part part) {
    return switch (part) {
      case WEIGHTS -> (long) rows * k * weightBytes;
      case SKIPPED -> rows;
      case GROUPS -> (long) Integer.BYTES * k;
      case SCALES -> SCALES * scaleBytes();
      case LOSSES -> (long) Float.BYTES * pitch();
      case CLIPPED -> Long.BYTES;
      case ERRORS -> (long) Float.BYTES * CudaFactor.BLOCK * pitch();
      case WORK -> (long) Float.BYTES * k * pitch();
      case STEPS -> (long) Float.BYTES * rows * k;
    };
  }

  private long scaleBytes() {
    return aligned((long) Float.BYTES * groups * pitch());
  }

  private static long aligned(long bytes) {
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  }

  /** Where part {@code index} begins. */
  private long end(int index) {
    long offset = 0;
    for (int i = 0; i < index; i++) {
      offset += aligned(size(Part.values()[i]));
    }
    return offset;
  }

  private Buffer part(Buffer memory, Part part) {
    return memory.slice(end(part.ordinal()), size(part));
  }

  /** The rows as they are stored, [rows, K]. */
  Buffer weights(Buffer memory) {
    return part(memory, Part.WEIGHTS);
  }

  /** Not 0 for rows that are left out, a byte each. */
  Buffer skipped(Buffer memory) {
    return part(memory, Part.SKIPPED);
  }

  /** Group of each place, int32. */
  Buffer groups(Buffer memory) {
    return part(memory, Part.GROUPS);
  }

  /** fp32 [groups, pitch]: operands, dequantizing factors, zero points. */
  Buffer scales(Buffer memory, int which) {
    return part(memory, Part.SCALES)
        .slice(which * scaleBytes(), (long) Float.BYTES * groups * pitch());
  }

  /** fp32 [pitch]. */
  Buffer losses(Buffer memory) {
    return part(memory, Part.LOSSES);
  }

  /** One int64. */
  Buffer clipped(Buffer memory) {
    return part(memory, Part.CLIPPED);
  }

  /** fp32 [128, pitch]. */
  Buffer errors(Buffer memory) {
    return part(memory, Part.ERRORS);
  }

  /** fp32 [K, pitch]. */
  Buffer work(Buffer memory) {
    return part(memory, Part.WORK);
  }

  /** fp32 [rows, K]. */
  Buffer steps(Buffer memory) {
    return part(memory, Part.STEPS);
  }
}
