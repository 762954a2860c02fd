package org.sparkao.gpu.model.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * What the vector loops share. Eight lanes of 32 bits, always, so that sums are the same on every
 * machine; only {@link org.sparkao.quant.dense.WideTile}, whose sums do not meet, has sixteen.
 *
 * <p>Loops are written as HotSpot 17 needs them to keep vectors in registers: no helper methods
 * inside, and what a loop carries is the argument, not the receiver of an operation; after the loop
 * it is added to something, or cast to the class of the species, before it is stored.
 */
public final class Lanes {
  /** The species of all loops. */
  public static final VectorSpecies<Float> EIGHT = FloatVector.SPECIES_256;

  /** Lanes. */
  public static final int WIDTH = 8;

  private Lanes() {}

  /** The smallest multiple of {@code of} that is at least {@code count}. */
  public static int roundUp(int count, int of) {
    return Math.multiplyExact(Math.floorDiv(count + of - 1, of), of);
  }
}
