package org.sparkao.gpu.gemm;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;

/**
 * 2:4 weights packed one number at a time, as {@code gemm_sparse/packing.cuh} and the PTX ISA
 * (sparse wgmma, metadata of e4m3 and of bf16) say.
 */
final class SparsePacking {
  private static final int ROWS = 128;
  private static final int GROUP = 4;
  private static final int VALUE_BYTES = ROWS * 64;

  private final int n;
  private final int k;
  private final int elementBytes;
  private final byte[] codes;
  private final ByteBuffer packed;

  private SparsePacking(Gemm gemm, byte[] codes) {
    this.n = gemm.n();
    this.k = gemm.k();
    this.elementBytes = gemm.operands().x().bytes();
    this.codes = codes;
    this.packed =
        ByteBuffer.allocate((n + ROWS - 1) / ROWS * blocksOfK() * blockBytes())
            .order(ByteOrder.LITTLE_ENDIAN);
  }

  /** The packed bytes of [N, K] codes that are 2:4. */
  static byte[] pack(Gemm gemm, byte[] codes) {
    SparsePacking packing = new SparsePacking(gemm, codes);
    for (int row = 0; row < packing.packed.capacity() / packing.rowBytes(); row++) {
      for (int column = 0; column < packing.blocksOfK() * packing.columns(); column += GROUP) {
        packing.group(row, column);
      }
    }
    return packing.packed.array();
  }

  /** Makes a matrix of the data 2:4: two of four are set to zero, now and then three or all. */
  static void prune(GemmData.Numbers numbers, long seed) {
    Random random = new Random(seed);
    int bytes = numbers.bytes().length / numbers.values().length;
    for (int first = 0; first < numbers.values().length; first += GROUP) {
      int zeros = 2 + (random.nextInt(8) == 0 ? 1 + random.nextInt(2) : 0);
      int mask = 0;
      while (Integer.bitCount(mask) < zeros) {
        mask |= 1 << random.nextInt(GROUP);
      }
      for (int i = 0; i < GROUP; i++) {
        if ((mask >> i & 1) == 1) {
          numbers.values()[first + i] = 0;
          for (int b = 0; b < bytes; b++) {
            // +0 and -0
            boolean sign = b == bytes - 1 && random.nextBoolean();
            numbers.bytes()[(first + i) * bytes + b] = sign ? (byte) 0x80 : 0;
          }
        }
      }
    }
  }

  private int columns() {
    return 128 / elementBytes;
  }

  private int blocksOfK() {
    return (k + columns() - 1) / columns();
  }

  private int blockBytes() {
    return VALUE_BYTES + 2048 / elementBytes;
  }

  /** Of all blocks of K, rows that fill the last block counted. */
  private int rowBytes() {
    return blocksOfK() * blockBytes() / ROWS;
  }

  private int code(int row, int column) {
    if (row >= n || column >= k) {
      return 0;
    }
    int at = (row * k + column) * elementBytes;
    int low = Byte.toUnsignedInt(codes[at]);
    return elementBytes == 1 ? low : low | Byte.toUnsignedInt(codes[at + 1]) << Byte.SIZE;
  }

  private int[] kept(int row, int column) {
    int sign = 1 << Byte.SIZE * elementBytes - 1;
    int mask = 0;
    for (int i = 0; i < GROUP; i++) {
      mask |= (code(row, column + i) & ~sign) != 0 ? 1 << i : 0;
    }
    return places(mask);
  }

  /** The two of four that a mask of at most two numbers keeps: the lowest zeros fill up. */
  static int[] places(int mask) {
    int all = mask;
    for (int i = 0; Integer.bitCount(all) < 2; i++) {
      all |= 1 << i;
    }
    int low = Integer.numberOfTrailingZeros(all);
    return new int[] {low, Integer.numberOfTrailingZeros(all & ~(1 << low))};
  }

  private void group(int row, int column) {
    int[] kept = kept(row, column);
    int inside = row % ROWS;
    int block = (row / ROWS * blocksOfK() + column / columns()) * blockBytes();
    int withinBlock = column % columns();
    for (int i = 0; i < 2; i++) {
      int at = (withinBlock / 2 + i) * elementBytes;
      int to = block + valuePlace(inside, at / 16) + at % 16;
      int code = code(row, column + kept[i]);
      packed.put(to, (byte) code);
      if (elementBytes == 2) {
        packed.put(to + 1, (byte) (code >> Byte.SIZE));
      }
    }
    int nibble = nibble(elementBytes, inside, withinBlock);
    int at = block + VALUE_BYTES + nibble / 8 * Integer.BYTES;
    packed.putInt(at, packed.getInt(at) | (kept[0] | kept[1] << 2) << nibble % 8 * 4);
  }

  /** Row of the 64 of its instruction: 16 a warp, a thread has two that are 8 apart. */
  private static int line(int row) {
    return row / 32 * 16 + row / 4 % 8 + row % 2 * 8;
  }

  /** Where 16 bytes of values lie, from the begin of a block of 128 rows. */
  static int valuePlace(int row, int chunk) {
    int instruction = row / 2 % 2;
    return instruction * VALUE_BYTES / 2 + line(row) * 64 + 16 * (chunk ^ line(row) / 2 % 4);
  }

  /**
   * Which nibble of a block's metadata the group of a column has: 8 a word, 2 or 4 words a thread.
   */
  static int nibble(int elementBytes, int row, int column) {
    int instruction = row / 2 % 2;
    int half = line(row) % 16 / 8;
    int columnsOfStep = 64 / elementBytes;
    int step = column / columnsOfStep;
    int inStep = column % columnsOfStep;
    int quad = line(row) / 16 * 32 + line(row) % 8 * 4;
    if (elementBytes == 1) {
      int word = (quad + inStep / 32 * 2 + half) * 4 + 2 * instruction + step;
      return word * 8 + inStep % 32 / GROUP;
    }
    int word = (quad + step * 2 + inStep / 16) * 2 + instruction;
    return word * 8 + 4 * half + inStep % 16 / GROUP;
  }
}
