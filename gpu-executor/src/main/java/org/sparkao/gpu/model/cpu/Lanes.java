package org.sparkao.gpu.model.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * What the vector loops share. Loops are written as HotSpot 17 needs them to keep vectors in
 * registers: no helper methods inside, and what a loop carries is the argument, not the receiver of
 * an operation.
 */
final class Lanes {
  /**
   * Of products: 256 bits, or 512 where the JVM uses them. A lane is one output element, so that
   * its bits do not depend on the width.
   */
  static final VectorSpecies<Float> WIDEST =
      FloatVector.SPECIES_PREFERRED.length() > FloatVector.SPECIES_256.length()
          ? FloatVector.SPECIES_512
          : FloatVector.SPECIES_256;

  static final int WIDTH = WIDEST.length();

  /** Of sums along a row: always 256 bits, so that the order of a sum is the same everywhere. */
  static final VectorSpecies<Float> EIGHT = FloatVector.SPECIES_256;

  private Lanes() {}

  /** The smallest multiple of {@code of} that is at least {@code count}. */
  static int roundUp(int count, int of) {
    return Math.multiplyExact(Math.floorDiv(count + of - 1, of), of);
  }
}
