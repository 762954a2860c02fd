package org.sparkao.quant.algorithm;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * What the vector loops share. Eight lanes of 32 bits, always, so that sums are the same on every
 * machine.
 *
 * <p>How the loops must be written for HotSpot 17 to keep vectors in registers (a loop that it does
 * not allocates hundreds of bytes a turn and is ten times slower; the benchmarks show {@code
 * gc.alloc.rate.norm}): no helper methods inside a loop, because in a large method they stop being
 * inlined while the vector operations themselves never do; and what a loop carries is the argument,
 * not the receiver of an operation, because only then its exact type is known.
 */
final class VectorLanes {
  static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_256;
  static final VectorSpecies<Integer> INTS = IntVector.SPECIES_256;
  static final VectorSpecies<Short> SHORTS = ShortVector.SPECIES_256;
  static final VectorSpecies<Short> EIGHT_SHORTS = ShortVector.SPECIES_128;
  static final VectorSpecies<Byte> EIGHT_BYTES = ByteVector.SPECIES_64;
  static final int LANES = 8;

  /** Bits of an fp32 number. */
  static final int MAGNITUDE = 0x7FFFFFFF;

  static final int SIGN = 0x80000000;
  static final int EXPONENT = 0x7F800000;
  static final int MANTISSA_BITS = 23;
  static final int BIAS = 127;

  /** 1.5 * 2^23: adding it to a number below 2^22 rounds to a whole number, ties to even. */
  static final float WHOLE = 0x1.8p23f;

  private VectorLanes() {}
}
