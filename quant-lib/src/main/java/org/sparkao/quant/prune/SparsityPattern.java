package org.sparkao.quant.prune;

import java.io.Serializable;
import java.util.Locale;

/**
 * How many weights become zero, and where.
 *
 * @param zeros of every {@code group} neighbours in a row; 0 where {@code share} counts
 * @param group neighbours, which begin at multiples of their number; 0 where {@code share} counts
 * @param share of the weights, anywhere; 0 where groups count
 */
public record SparsityPattern(int zeros, int group, double share) implements Serializable {
  /** No weight becomes zero. */
  public static final SparsityPattern NONE = new SparsityPattern(0, 0, 0);

  /** Two of every four, which the tensor cores of GPUs skip. */
  public static final SparsityPattern TWO_OF_FOUR = new SparsityPattern(2, 4, 0);

  /** Four of every eight. */
  public static final SparsityPattern FOUR_OF_EIGHT = new SparsityPattern(4, 8, 0);

  /** Groups, a share, or nothing. */
  public SparsityPattern {
    boolean grouped = zeros > 0 && zeros < group && share == 0;
    boolean anywhere = zeros == 0 && group == 0 && share >= 0 && share < 1;
    if (!grouped && !anywhere) {
      throw new IllegalArgumentException(
          zeros + " of " + group + ", or a share of " + share + ": not a pattern");
    }
  }

  /**
   * Reads {@code none}, {@code 2:4}, {@code 4:8}, or a share such as {@code 0.5}.
   *
   * @throws IllegalArgumentException for anything else
   */
  public static SparsityPattern parse(String text) {
    for (SparsityPattern known : new SparsityPattern[] {NONE, TWO_OF_FOUR, FOUR_OF_EIGHT}) {
      if (known.toString().equals(text)) {
        return known;
      }
    }
    double share;
    try {
      share = Double.parseDouble(text);
    } catch (NumberFormatException e) {
      share = 0;
    }
    if (!(share > 0 && share < 1)) {
      throw new IllegalArgumentException(
          "use none, 2:4, 4:8, or a share between 0 and 1, such as 0.5");
    }
    return new SparsityPattern(0, 0, share);
  }

  /** Whether no weight becomes zero. */
  public boolean none() {
    return equals(NONE);
  }

  /** Whether zeros are counted in groups of neighbours. */
  public boolean grouped() {
    return group > 0;
  }

  /** Weights that become zero among {@code count}, which form whole groups. */
  int zerosOf(int count) {
    return grouped() ? count / group * zeros : (int) (count * share);
  }

  /** As {@link #parse} reads it. */
  @Override
  public String toString() {
    return none()
        ? "none"
        : grouped() ? String.format(Locale.ROOT, "%d:%d", zeros, group) : Double.toString(share);
  }
}
