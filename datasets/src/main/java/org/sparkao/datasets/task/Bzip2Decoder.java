package org.sparkao.datasets.task;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Arrays;

/**
 * Unpacks bzip2 (Seward's format as the file formats of bzip2 1.0 describe it), streams one after
 * another too, checking every sum. The JDK has none, and data sets of text come packed so.
 */
final class Bzip2Decoder {
  private static final long BLOCK = 0x314159265359L;
  private static final long END = 0x177245385090L;
  private static final int GROUP = 50;
  private static final int MAX_CODE_BITS = 20;
  private static final int[] CRC = crcTable();

  private final byte[] in;
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private long bitsRead;

  private Bzip2Decoder(byte[] in) {
    this.in = in;
  }

  /**
   * The unpacked bytes.
   *
   * @throws IOException if the bytes are no bzip2, end early or do not add up
   */
  static byte[] decode(byte[] packed) throws IOException {
    Bzip2Decoder decoder = new Bzip2Decoder(packed);
    try {
      do {
        decoder.stream();
      } while (decoder.bitsRead / 8 < packed.length);
    } catch (ArrayIndexOutOfBoundsException e) {
      throw new IOException("bzip2 data ends early or is damaged", e);
    }
    return decoder.out.toByteArray();
  }

  private void stream() throws IOException {
    check(bits(8) == 'B' && bits(8) == 'Z' && bits(8) == 'h', "is not bzip2");
    int level = bits(8) - '0';
    check(level >= 1 && level <= 9, "is not bzip2");
    int sum = 0;
    long magic = magic();
    while (magic == BLOCK) {
      int expected = bits(32);
      int actual = block(level * 100_000);
      check(actual == expected, "bzip2 block is damaged: its sum differs");
      sum = Integer.rotateLeft(sum, 1) ^ actual;
      magic = magic();
    }
    check(magic == END, "bzip2 data is damaged: neither a block nor the end follows");
    check(bits(32) == sum, "bzip2 data is damaged: the sum of all blocks differs");
    bitsRead = (bitsRead + 7) / 8 * 8;
  }

  private long magic() {
    return (long) bits(24) << 24 | bits(24);
  }

  /** Decodes one block and returns its sum. */
  private int block(int size) throws IOException {
    check(bits(1) == 0, "bzip2 block is randomized, which no bzip2 since 1999 writes");
    int origin = bits(24);
    byte[] symbols = usedSymbols();
    byte[] last = new byte[size];
    int length = moveToFront(symbols, last);
    check(origin < length, "bzip2 block is damaged: it begins outside itself");
    int[] next = new int[256];
    for (int i = 0; i < length; i++) {
      next[last[i] & 0xff]++;
    }
    for (int symbol = 0, before = 0; symbol < 256; symbol++) {
      int count = next[symbol];
      next[symbol] = before;
      before += count;
    }
    int[] follower = new int[length];
    for (int i = 0; i < length; i++) {
      follower[next[last[i] & 0xff]++] = i;
    }
    return writeRuns(last, follower, follower[origin]);
  }

  private byte[] usedSymbols() {
    int groups = bits(16);
    byte[] symbols = new byte[256];
    int count = 0;
    for (int group = 0; group < 16; group++) {
      int used = (groups >> (15 - group) & 1) == 1 ? bits(16) : 0;
      for (int i = 0; i < 16; i++) {
        if ((used >> (15 - i) & 1) == 1) {
          symbols[count++] = (byte) (group * 16 + i);
        }
      }
    }
    return Arrays.copyOf(symbols, count);
  }

  /** Undoes Huffman codes, runs of the front symbol and move-to-front; returns the length. */
  private int moveToFront(byte[] front, byte[] last) throws IOException {
    int end = front.length + 1;
    int tables = bits(3);
    byte[] selectors = selectors(tables);
    HuffmanTable[] codes = new HuffmanTable[tables];
    for (int i = 0; i < tables; i++) {
      codes[i] = new HuffmanTable(codeLengths(front.length + 2));
    }
    int length = 0;
    int weight = 1;
    for (int read = 0; ; read++) {
      int symbol = codes[selectors[read / GROUP]].read();
      if (symbol < 2 && symbol != end) {
        for (int run = weight << symbol; run > 0; run--) {
          last[length++] = front[0];
        }
        weight <<= 1;
      } else if (symbol == end) {
        return length;
      } else {
        weight = 1;
        byte found = front[symbol - 1];
        System.arraycopy(front, 0, front, 1, symbol - 1);
        front[0] = found;
        last[length++] = found;
      }
    }
  }

  private byte[] selectors(int tables) {
    byte[] selectors = new byte[bits(15)];
    byte[] front = {0, 1, 2, 3, 4, 5};
    for (int i = 0; i < selectors.length; i++) {
      int index = 0;
      while (bits(1) == 1) {
        index++;
      }
      byte found = front[index];
      System.arraycopy(front, 0, front, 1, index);
      front[0] = found;
      selectors[i] = found;
    }
    return selectors;
  }

  private int[] codeLengths(int symbols) throws IOException {
    int[] lengths = new int[symbols];
    int length = bits(5);
    for (int i = 0; i < symbols; i++) {
      while (bits(1) == 1) {
        length += bits(1) == 0 ? 1 : -1;
      }
      check(length >= 1 && length <= MAX_CODE_BITS, "bzip2 block is damaged: bad code length");
      lengths[i] = length;
    }
    return lengths;
  }

  /** Four equal bytes are followed by how many more of them come. */
  private int writeRuns(byte[] last, int[] follower, int begin) {
    int sum = -1;
    int run = 0;
    int previous = -1;
    int position = begin;
    for (int i = 0; i < follower.length; i++) {
      int symbol = last[position] & 0xff;
      position = follower[position];
      int times = 1;
      if (run == 4) {
        times = symbol;
        symbol = previous;
        run = 0;
      } else {
        run = symbol == previous ? run + 1 : 1;
        previous = symbol;
      }
      for (; times > 0; times--) {
        out.write(symbol);
        sum = sum << 8 ^ CRC[sum >>> 24 ^ symbol];
      }
      if (run == 0) {
        previous = -1;
      }
    }
    return ~sum;
  }

  private int bits(int count) {
    int value = 0;
    for (int i = 0; i < count; i++, bitsRead++) {
      value = value << 1 | in[(int) (bitsRead >> 3)] >> (7 - (bitsRead & 7)) & 1;
    }
    return value;
  }

  private static void check(boolean condition, String problem) throws IOException {
    if (!condition) {
      throw new IOException(problem);
    }
  }

  private static int[] crcTable() {
    int[] table = new int[256];
    for (int i = 0; i < 256; i++) {
      int value = i << 24;
      for (int bit = 0; bit < 8; bit++) {
        value = value << 1 ^ (value < 0 ? 0x04c11db7 : 0);
      }
      table[i] = value;
    }
    return table;
  }

  /** Canonical codes: of each length the first code, and where its symbols begin. */
  private final class HuffmanTable {
    private final int[] counts = new int[MAX_CODE_BITS + 1];
    private final int[] symbols;

    HuffmanTable(int[] lengths) {
      symbols = new int[lengths.length];
      int placed = 0;
      for (int length = 1; length <= MAX_CODE_BITS; length++) {
        for (int symbol = 0; symbol < lengths.length; symbol++) {
          if (lengths[symbol] == length) {
            counts[length]++;
            symbols[placed++] = symbol;
          }
        }
      }
    }

    int read() throws IOException {
      int code = 0;
      int first = 0;
      int before = 0;
      for (int length = 1; length <= MAX_CODE_BITS; length++) {
        code = code << 1 | bits(1);
        int index = code - first;
        if (index < counts[length]) {
          return symbols[before + index];
        }
        before += counts[length];
        first = first + counts[length] << 1;
      }
      throw new IOException("bzip2 block is damaged: no such code");
    }
  }
}
