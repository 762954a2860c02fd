package org.sparkao.quant.gguf;

import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * Eight values at a time. Numbers below 2^22 become integers by adding {@link
 * BlockNumbers#INTEGERS}, because HotSpot 17 converts vectors to integers by way of objects; the
 * lowest byte of the sum is that of the integer.
 */
final class VectorBlockLoops implements BlockLoops {
  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_256;
  private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_256;
  private static final VectorSpecies<Short> SHORTS = ShortVector.SPECIES_128;
  private static final VectorSpecies<Byte> BYTES = ByteVector.SPECIES_64;
  private static final int LANES = 8;
  private static final int SIZE = BlockRun.SIZE;
  private static final float INTEGERS = BlockNumbers.INTEGERS;
  private static final int SIGN = 0x80000000;
  private static final int EXPONENT = 0x7F800000;

  private static final int[] LANE = {0, 1, 2, 3, 4, 5, 6, 7};

  /** The largest number below one half: half itself would take its neighbour up to 1. */
  private static final float ALMOST_HALF = 0x1.fffffep-2f;

  private final PlainBlockLoops rest = new PlainBlockLoops();

  /** Whether the processor has vectors of 256 bits. */
  static boolean supported() {
    return VectorShape.preferredShape().vectorBitSize() >= VectorShape.S_256_BIT.vectorBitSize();
  }

  /** As integers the numbers of one sign are ordered by magnitude, behind those of the other. */
  @Override
  public void extremes(BlockRun run) {
    float[] x = run.values;
    float[] extremes = run.extremes;
    int count = run.count;
    for (int block = 0; block < count; block++) {
      int i = run.from + SIZE * block;
      IntVector a = FloatVector.fromArray(FLOATS, x, i).reinterpretAsInts();
      IntVector b = FloatVector.fromArray(FLOATS, x, i + LANES).reinterpretAsInts();
      IntVector c = FloatVector.fromArray(FLOATS, x, i + 2 * LANES).reinterpretAsInts();
      IntVector d = FloatVector.fromArray(FLOATS, x, i + 3 * LANES).reinterpretAsInts();
      int most = a.max(b).max(c.max(d)).reduceLanes(VectorOperators.MAX);
      a = a.lanewise(VectorOperators.XOR, SIGN);
      b = b.lanewise(VectorOperators.XOR, SIGN);
      c = c.lanewise(VectorOperators.XOR, SIGN);
      d = d.lanewise(VectorOperators.XOR, SIGN);
      int least = a.max(b).max(c.max(d)).reduceLanes(VectorOperators.MAX);
      if (most == least) {
        extremes[block] = BlockNumbers.extreme(x, i, SIZE);
      } else {
        // Negative zero becomes zero.
        extremes[block] = Float.intBitsToFloat(most > least ? most : least | SIGN) + 0f;
      }
    }
  }

  @Override
  public void bytes(BlockRun run) {
    float[] x = run.values;
    byte[] out = run.out;
    int count = run.count;
    for (int block = 0; block < count; block++) {
      FloatVector factor = FloatVector.broadcast(FLOATS, run.factors[block]);
      int from = run.from + SIZE * block;
      int at = run.at + run.blockBytes * block + Short.BYTES;
      for (int j = 0; j < SIZE; j += LANES) {
        FloatVector product = FloatVector.fromArray(FLOATS, x, from + j).mul(factor);
        IntVector sign = product.reinterpretAsInts().lanewise(VectorOperators.ASHR, 31);
        FloatVector position = product.abs().add(ALMOST_HALF);
        FloatVector nearest = position.add(INTEGERS);
        // The nearest integer, or the one below where that is more.
        IntVector below =
            position
                .sub(nearest.sub(INTEGERS))
                .reinterpretAsInts()
                .lanewise(VectorOperators.ASHR, 31);
        IntVector code = nearest.reinterpretAsInts().add(below);
        ((ByteVector)
                code.lanewise(VectorOperators.XOR, sign)
                    .sub(sign)
                    .convertShape(VectorOperators.I2B, BYTES, 0))
            .intoArray(out, at + j);
      }
    }
  }

  @Override
  public void symmetric(BlockRun run, int bits) {
    float[] x = run.values;
    int[] codes = run.codes;
    float shift = (1 << bits - 1) + 0.5f;
    int largest = Float.floatToRawIntBits(INTEGERS) + (1 << bits) - 1;
    int count = run.count;
    for (int block = 0; block < count; block++) {
      FloatVector factor = FloatVector.broadcast(FLOATS, run.factors[block]);
      int from = run.from + SIZE * block;
      for (int j = 0; j < SIZE; j += LANES) {
        FloatVector position = FloatVector.fromArray(FLOATS, x, from + j).mul(factor).add(shift);
        FloatVector nearest = position.add(INTEGERS);
        IntVector below =
            position
                .sub(nearest.sub(INTEGERS))
                .reinterpretAsInts()
                .lanewise(VectorOperators.ASHR, 31);
        nearest.reinterpretAsInts().add(below).min(largest).intoArray(codes, SIZE * block + j);
      }
    }
    if (bits == 5) {
      fifth(run);
    }
    low(run);
  }

  /** The fifth bit of code j is bit j of a little-endian word. */
  private static void fifth(BlockRun run) {
    int[] codes = run.codes;
    byte[] out = run.out;
    int count = run.count;
    IntVector lanes = IntVector.fromArray(INTS, LANE, 0);
    for (int block = 0; block < count; block++) {
      int from = SIZE * block;
      IntVector a = IntVector.fromArray(INTS, codes, from).and(16);
      IntVector b = IntVector.fromArray(INTS, codes, from + LANES).and(16);
      IntVector c = IntVector.fromArray(INTS, codes, from + 2 * LANES).and(16);
      IntVector d = IntVector.fromArray(INTS, codes, from + 3 * LANES).and(16);
      int word =
          a.lanewise(VectorOperators.LSHR, 4)
              .or(b.lanewise(VectorOperators.LSHL, 4))
              .or(c.lanewise(VectorOperators.LSHL, 12))
              .or(d.lanewise(VectorOperators.LSHL, 20))
              .lanewise(VectorOperators.LSHL, lanes)
              .reduceLanes(VectorOperators.OR);
      int at = run.at + run.blockBytes * block + Short.BYTES;
      out[at] = (byte) word;
      out[at + 1] = (byte) (word >>> 8);
      out[at + 2] = (byte) (word >>> 16);
      out[at + 3] = (byte) (word >>> 24);
    }
  }

  /** Low four bits: code j in the low, code j + 16 in the high half of byte j. */
  private static void low(BlockRun run) {
    int[] codes = run.codes;
    byte[] out = run.out;
    int count = run.count;
    int first = run.at + run.blockBytes - SIZE / 2;
    for (int block = 0; block < count; block++) {
      int at = first + run.blockBytes * block;
      for (int j = 0; j < SIZE / 2; j += LANES) {
        IntVector high = IntVector.fromArray(INTS, codes, SIZE * block + SIZE / 2 + j);
        ((ByteVector)
                IntVector.fromArray(INTS, codes, SIZE * block + j)
                    .and(0xF)
                    .or(high.lanewise(VectorOperators.LSHL, 4))
                    .convertShape(VectorOperators.I2B, BYTES, 0))
            .intoArray(out, at + j);
      }
    }
  }

  @Override
  public void nearest(float[] x, int from, GroupScales groups, byte[] codes) {
    int size = codes.length / groups.scales.length;
    int count = groups.scales.length;
    for (int group = 0; group < count; group++) {
      if (groups.scales[group] == 0) {
        continue;
      }
      FloatVector scale = FloatVector.broadcast(FLOATS, groups.scales[group]);
      FloatVector offset = FloatVector.broadcast(FLOATS, groups.offsets[group]);
      for (int i = size * group; i < size * (group + 1); i += LANES) {
        ((ByteVector)
                FloatVector.fromArray(FLOATS, x, from + i)
                    .add(offset)
                    .div(scale)
                    .add(INTEGERS)
                    .reinterpretAsInts()
                    .and(BlockNumbers.INTEGER)
                    .max(BlockNumbers.INTEGER_ZERO + groups.low)
                    .min(BlockNumbers.INTEGER_ZERO + groups.high)
                    .add(groups.shift)
                    .convertShape(VectorOperators.I2B, BYTES, 0))
            .intoArray(codes, i);
      }
    }
  }

  @Override
  public boolean vectors() {
    return true;
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
