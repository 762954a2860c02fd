package org.sparkao.datasets.sample;

/**
 * The SplitMix64 generator (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators,
 * OOPSLA 2014) with its own bounded draw. {@link java.util.SplittableRandom} makes the same longs,
 * but does not promise the same bounded ints in every release, and the committed text must not
 * change with the JVM.
 */
final class SplitMix64 {
  private static final long GOLDEN_GAMMA = 0x9e3779b97f4a7c15L;

  private long state;

  SplitMix64(long seed) {
    this.state = seed;
  }

  /** The next 64 bits. */
  long nextLong() {
    state += GOLDEN_GAMMA;
    long z = state;
    z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return z ^ (z >>> 31);
  }

  /**
   * A number from 0 inclusive to {@code bound} exclusive, from the upper 32 bits of one draw scaled
   * down. The bias is below {@code bound / 2^32}.
   */
  int below(int bound) {
    return (int) (((nextLong() >>> 32) * bound) >>> 32);
  }
}
