package org.sparkao.quant.gguf;

/** Loops over the 32 values of a block. All implementations give the same numbers. */
interface BlockLoops {
  /** Values of a block. */
  int SIZE = 32;

  /** The value of largest magnitude, the first of several; 0 when all are zero. */
  float extreme(float[] x, int from);

  /** Products with a factor, rounded to the nearest integer, ties away from zero. */
  void nearestAway(float[] x, int from, float factor, byte[] out, int at);

  /**
   * Products with a factor plus half a step more than {@code middle}, cut off to integers from 0 to
   * {@code 2 * middle - 1}.
   */
  void codes(float[] x, int from, float factor, int middle, byte[] codes);

  /**
   * Codes of 32 values under a scale that is not 0 and an offset, (x + offset) / scale, rounded to
   * the nearest integer, ties to even, within [low, high]; then {@code shift} is added.
   */
  void nearest(float[] x, int from, Range range, byte[] codes, int at);

  /** What {@link #nearest} rounds under. */
  record Range(float offset, float scale, int low, int high, int shift) {}

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
