package org.sparkao.quant.gguf;

/** The inner loops of blocks. All implementations give the same numbers. */
interface BlockLoops {

  /** Fills in the extremes of a run of blocks. */
  void extremes(BlockRun run);

  /**
   * Codes of Q8_0, behind the scales of a run of blocks: products with the factor, rounded to the
   * nearest integer, ties away from zero.
   */
  void bytes(BlockRun run);

  /**
   * Codes of Q4_0 and Q5_0, packed behind the scales of a run of blocks: products with the factor
   * plus half a step more than 2^(bits-1), cut off to integers from 0 to 2^bits - 1.
   */
  void symmetric(BlockRun run, int bits);

  /** Codes of the super-block of values that begins at {@code from}. */
  void nearest(float[] x, int from, GroupScales groups, byte[] codes);

  /** Whether eight values at a time are worth while. */
  boolean vectors();

  /** Decodes bf16 numbers, little endian, and tells whether all are finite. */
  boolean bf16(byte[] bytes, int at, float[] values, int from, int count);

  /** Those of this JVM: without its optimizing compiler, every vector is an object. */
  static BlockLoops choose() {
    boolean module = ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();
    boolean optimized = !System.getProperty("java.vm.info", "").contains("emulated-client");
    return module && optimized && VectorBlockLoops.supported()
        ? new VectorBlockLoops()
        : new PlainBlockLoops();
  }
}
