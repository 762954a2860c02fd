package org.sparkao.quant.gguf;

/** Where the bits of 32 codes go. */
final class Nibbles {
  private static final int HALF = 16;

  private Nibbles() {}

  /** Low four bits: code j in the low, code j + 16 in the high half of byte j. */
  static void low(byte[] codes, int from, byte[] out, int at) {
    for (int j = 0; j < HALF; j++) {
      out[at + j] = (byte) (codes[from + j] & 0xF | (codes[from + HALF + j] & 0xF) << 4);
    }
  }

  /** The fifth bit of code j is bit j of a little-endian word. */
  static void fifth(byte[] codes, byte[] out, int at) {
    int word = 0;
    for (int j = 0; j < 2 * HALF; j++) {
      word |= (codes[j] >> 4 & 1) << j;
    }
    for (int j = 0; j < Integer.BYTES; j++) {
      out[at + j] = (byte) (word >>> 8 * j);
    }
  }

  /** 32 codes of four or five bits as Q4_0 and Q5_0 have them: the fifth bits first. */
  static void symmetric(byte[] codes, int bits, byte[] out, int at) {
    if (bits == 5) {
      fifth(codes, out, at);
    }
    low(codes, 0, out, bits == 5 ? at + Integer.BYTES : at);
  }

  /** Codes of two bits, 256: byte 32 h + l holds codes 128 h + l + 32 i in bits 2 i. */
  static void pairs(byte[] codes, byte[] out, int at) {
    for (int h = 0; h < 2; h++) {
      for (int l = 0; l < 32; l++) {
        int packed = 0;
        for (int i = 0; i < 4; i++) {
          packed |= (codes[128 * h + 32 * i + l] & 3) << 2 * i;
        }
        out[at + 32 * h + l] = (byte) packed;
      }
    }
  }

  /** The inverse of {@link #low}. */
  static void unpackLow(byte[] bytes, int from, byte[] codes) {
    for (int j = 0; j < HALF; j++) {
      codes[j] = (byte) (bytes[from + j] & 0xF);
      codes[HALF + j] = (byte) (bytes[from + j] >> 4 & 0xF);
    }
  }

  /** Adds the bits of {@link #fifth} to 32 codes. */
  static void addFifth(byte[] bytes, int from, byte[] codes) {
    for (int j = 0; j < 2 * HALF; j++) {
      codes[j] |= (byte) ((bytes[from + j / 8] >> j % 8 & 1) << 4);
    }
  }

  /** The inverse of {@link #pairs}. */
  static void unpackPairs(byte[] bytes, int from, byte[] codes) {
    for (int i = 0; i < codes.length; i++) {
      codes[i] = (byte) (bytes[from + 32 * (i / 128) + i % 32] >> 2 * (i % 128 / 32) & 3);
    }
  }
}
