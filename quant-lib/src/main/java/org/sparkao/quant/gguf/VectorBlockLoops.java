package org.sparkao.quant.gguf;

import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** Eight values at a time. */
final class VectorBlockLoops implements BlockLoops {
  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_256;
  private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_256;
  private static final VectorSpecies<Short> SHORTS = ShortVector.SPECIES_128;
  private static final VectorSpecies<Byte> BYTES = ByteVector.SPECIES_64;
  private static final int LANES = 8;
  private static final int EXPONENT = 0x7F800000;

  private final PlainBlockLoops rest = new PlainBlockLoops();

  /** Whether the processor has vectors of 256 bits. */
  static boolean supported() {
    return VectorShape.preferredShape().vectorBitSize() >= VectorShape.S_256_BIT.vectorBitSize();
  }

  @Override
  public float extreme(float[] x, int from) {
    FloatVector a = FloatVector.fromArray(FLOATS, x, from).abs();
    FloatVector b = FloatVector.fromArray(FLOATS, x, from + LANES).abs();
    FloatVector c = FloatVector.fromArray(FLOATS, x, from + 2 * LANES).abs();
    FloatVector d = FloatVector.fromArray(FLOATS, x, from + 3 * LANES).abs();
    float largest = a.max(b).max(c.max(d)).reduceLanes(VectorOperators.MAX);
    if (largest == 0) {
      return 0;
    }
    int i = from;
    while (Math.abs(x[i]) != largest) {
      i++;
    }
    return x[i];
  }

  @Override
  public void nearestAway(float[] x, int from, float factor, byte[] out, int at) {
    for (int j = 0; j < SIZE; j += LANES) {
      FloatVector product = FloatVector.fromArray(FLOATS, x, from + j).mul(factor);
      IntVector whole = (IntVector) product.convert(VectorOperators.F2I, 0);
      FloatVector fraction = product.sub((FloatVector) whole.convert(VectorOperators.I2F, 0));
      // What the cut left is exact: half or more of either sign is one further from zero.
      VectorMask<Integer> up = fraction.compare(VectorOperators.GE, 0.5f).cast(INTS);
      VectorMask<Integer> down = fraction.compare(VectorOperators.LE, -0.5f).cast(INTS);
      store(whole.add(1, up).sub(1, down), out, at + j);
    }
  }

  @Override
  public void codes(float[] x, int from, float factor, int middle, byte[] codes) {
    float shift = middle + 0.5f;
    for (int j = 0; j < SIZE; j += LANES) {
      FloatVector shifted = FloatVector.fromArray(FLOATS, x, from + j).mul(factor).add(shift);
      IntVector whole = (IntVector) shifted.convert(VectorOperators.F2I, 0);
      store(whole.min(2 * middle - 1), codes, j);
    }
  }

  @Override
  public void nearest(float[] x, int from, Range range, byte[] codes, int at) {
    for (int j = 0; j < SIZE; j += LANES) {
      IntVector whole =
          FloatVector.fromArray(FLOATS, x, from + j)
              .add(range.offset())
              .div(range.scale())
              .add(BlockNumbers.INTEGERS)
              .reinterpretAsInts()
              .and(0x7FFFFF)
              .sub(0x400000);
      store(whole.max(range.low()).min(range.high()).add(range.shift()), codes, at + j);
    }
  }

  @Override
  public boolean vectors() {
    return true;
  }

  private static void store(IntVector codes, byte[] out, int at) {
    ((ByteVector) codes.convertShape(VectorOperators.I2B, BYTES, 0)).intoArray(out, at);
  }

  @Override
  public boolean bf16(byte[] bytes, int at, float[] values, int from, int count) {
    int whole = count / LANES * LANES;
    IntVector largest = IntVector.zero(INTS);
    for (int i = 0; i < whole; i += LANES) {
      IntVector bits =
          ((IntVector)
                  ShortVector.fromByteArray(SHORTS, bytes, at + 2 * i, ByteOrder.LITTLE_ENDIAN)
                      .convertShape(VectorOperators.S2I, INTS, 0))
              .lanewise(VectorOperators.LSHL, 16);
      bits.reinterpretAsFloats().intoArray(values, from + i);
      largest = bits.and(EXPONENT).max(largest);
    }
    boolean finite = largest.reduceLanes(VectorOperators.MAX) < EXPONENT;
    return rest.bf16(bytes, at + 2 * whole, values, from + whole, count - whole) && finite;
  }
}
