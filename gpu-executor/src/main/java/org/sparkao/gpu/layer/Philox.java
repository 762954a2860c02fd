package org.sparkao.gpu.layer;

/**
 * Philox4x32-10, a generator of random bits without state: the bits follow from a key and a
 * counter, so that anybody draws any of them at any time (Salmon et al. 2011, Parallel random
 * numbers: as easy as 1, 2, 3).
 */
public final class Philox {
  /** Words of a counter, and of what is drawn for it. */
  public static final int WORDS = 4;

  private static final long MULTIPLIER_0 = 0xD2511F53L;
  private static final long MULTIPLIER_1 = 0xCD9E8D57L;
  private static final int WEYL_0 = 0x9E3779B9;
  private static final int WEYL_1 = 0xBB67AE85;
  private static final int ROUNDS = 10;

  private Philox() {}

  /** What bits are drawn for: no two purposes share any. Its number is the counter's last word. */
  public enum Purpose {
    /** A token after others. */
    TOKEN,
    /** The first token of a text that begins with nothing. */
    FIRST_TOKEN,
    /** The order in which prompts are used. */
    PROMPT,
    /** The order of a training's items: sample is the epoch. */
    ITEM
  }

  /**
   * 64 random bits: the first two words of key {@code seed} and counter {@code (position, sample,
   * purpose)}, low words first.
   */
  public static long bits(long seed, Purpose purpose, long sample, int position) {
    int[] block =
        block(
            new int[] {position, (int) sample, (int) (sample >>> 32), purpose.ordinal()},
            (int) seed,
            (int) (seed >>> 32));
    return Integer.toUnsignedLong(block[0]) | (long) block[1] << 32;
  }

  /** A whole number in [0, bound), from 64 random bits: the high half of their product. */
  public static long below(long bits, long bound) {
    // bound is positive: of the signed high half only the correction for negative bits is missing.
    return Math.multiplyHigh(bits, bound) + (bits >> 63 & bound);
  }

  /**
   * Four random words.
   *
   * @param counter four words, which stay as they are
   */
  static int[] block(int[] counter, int key0, int key1) {
    int[] words = counter.clone();
    generate(words, Integer.toUnsignedLong(key0) | (long) key1 << Integer.SIZE);
    return words;
  }

  /**
   * Replaces a counter by its random words.
   *
   * @param words {@link #WORDS}
   * @param key low word first
   */
  public static void generate(int[] words, long key) {
    int key0 = (int) key;
    int key1 = (int) (key >>> Integer.SIZE);
    for (int round = 0; round < ROUNDS; round++) {
      long product0 = MULTIPLIER_0 * Integer.toUnsignedLong(words[0]);
      long product1 = MULTIPLIER_1 * Integer.toUnsignedLong(words[2]);
      words[0] = (int) (product1 >>> Integer.SIZE) ^ words[1] ^ key0;
      words[1] = (int) product1;
      words[2] = (int) (product0 >>> Integer.SIZE) ^ words[3] ^ key1;
      words[3] = (int) product0;
      key0 += WEYL_0;
      key1 += WEYL_1;
    }
  }
}
