package org.sparkao.gpu.optimizer;

/**
 * Philox4x32-10: 128 random bits that are a function of a counter and a key, nothing else.
 *
 * <p>Source: Salmon et al. 2011, Parallel Random Numbers: As Easy as 1, 2, 3, section 3.3.
 */
final class Philox {
  static final int WORDS = 4;

  private static final int ROUNDS = 10;
  private static final long MULTIPLIER0 = 0xD2511F53L;
  private static final long MULTIPLIER1 = 0xCD9E8D57L;
  private static final int WEYL0 = 0x9E3779B9;
  private static final int WEYL1 = 0xBB67AE85;
  private static final long WORD = 0xFFFFFFFFL;

  private Philox() {}

  /** Replaces the counter {@code words[0, 4)} by its random bits under {@code key}. */
  static void generate(int[] words, long key) {
    int key0 = (int) key;
    int key1 = (int) (key >>> Integer.SIZE);
    for (int round = 0; round < ROUNDS; round++) {
      long product0 = MULTIPLIER0 * (words[0] & WORD);
      long product1 = MULTIPLIER1 * (words[2] & WORD);
      words[0] = (int) (product1 >>> Integer.SIZE) ^ words[1] ^ key0;
      words[1] = (int) product1;
      words[2] = (int) (product0 >>> Integer.SIZE) ^ words[3] ^ key1;
      words[3] = (int) product0;
      key0 += WEYL0;
      key1 += WEYL1;
    }
  }
}
