package org.sparkao.quant.observe;

import java.util.Arrays;

/**
 * How often each magnitude occurs, in bins whose edges are fixed beforehand: every octave from
 * 2^-126 on has the same number of evenly spaced bins, smaller magnitudes share the first. So
 * histograms of parts of a tensor add up to that of the whole, in any order. With 128 bins an
 * octave, each bin holds one bf16 magnitude and percentiles of bf16 values are exact.
 *
 * <p>NaN and infinities are left out. Not safe for use by several threads.
 */
public final class MagnitudeHistogram {
  private static final int MANTISSA_BITS = 23;
  private static final int OCTAVES = 255;
  private static final int SEARCHED_OCTAVES = 4;

  private final int shift;
  private final int binsPerOctave;
  private final long[] counts;
  private int first;
  private int last = -1;
  private long total;
  private double[][] moments = new double[3][1];

  /** An empty histogram; {@code binsPerOctave} is a power of two, 1 to 128. */
  public MagnitudeHistogram(int binsPerOctave) {
    if (Integer.bitCount(binsPerOctave) != 1 || binsPerOctave > 128) {
      throw new IllegalArgumentException(
          binsPerOctave + " bins an octave; use a power of two up to 128");
    }
    this.binsPerOctave = binsPerOctave;
    this.shift = MANTISSA_BITS - Integer.numberOfTrailingZeros(binsPerOctave);
    this.counts = new long[OCTAVES * binsPerOctave];
    this.first = counts.length;
  }

  /**
   * A histogram as it was stored.
   *
   * @param firstBin of the counts: bin b begins at the fp32 number whose bits are b * 2^23 /
   *     binsPerOctave
   * @param stored counts of consecutive bins
   */
  public static MagnitudeHistogram of(int binsPerOctave, int firstBin, long[] stored) {
    MagnitudeHistogram histogram = new MagnitudeHistogram(binsPerOctave);
    if (firstBin < 0 || stored.length > histogram.counts.length - firstBin) {
      throw new IllegalArgumentException(stored.length + " bins from bin " + firstBin + " on");
    }
    for (int i = 0; i < stored.length; i++) {
      histogram.put(firstBin + i, stored[i]);
    }
    return histogram;
  }

  private void put(int bin, long count) {
    if (count < 0) {
      throw new IllegalArgumentException("bin " + bin + " has count " + count);
    }
    if (count > 0) {
      counts[bin] += count;
      first = Math.min(first, bin);
      last = Math.max(last, bin);
      total += count;
    }
  }

  /** First bin that is not empty; 0 when all are. */
  public int firstBin() {
    return last < first ? 0 : first;
  }

  /** Counts from {@link #firstBin} to the last bin that is not empty; a copy. */
  public long[] counts() {
    return last < first ? new long[0] : Arrays.copyOfRange(counts, first, last + 1);
  }

  /**
   * Counts consecutive values.
   *
   * @return the largest magnitude; infinite or NaN where a value is
   */
  public float addAll(float[] values, int offset, int length) {
    long[] all = counts;
    int lowest = first;
    int highest = last;
    int most = 0;
    long finite = 0;
    for (int i = offset; i < offset + length; i++) {
      int magnitude = Float.floatToRawIntBits(values[i]) & Integer.MAX_VALUE;
      most = Math.max(most, magnitude);
      int bin = magnitude >>> shift;
      if (bin < all.length) {
        all[bin]++;
        lowest = Math.min(lowest, bin);
        highest = Math.max(highest, bin);
        finite++;
      }
    }
    first = lowest;
    last = highest;
    total += finite;
    return Float.intBitsToFloat(most);
  }

  /** Counts one value. */
  public void add(float value) {
    int bin = (Float.floatToRawIntBits(value) & Integer.MAX_VALUE) >>> shift;
    if (bin < counts.length) {
      counts[bin]++;
      first = Math.min(first, bin);
      last = Math.max(last, bin);
      total++;
    }
  }

  /** Adds the counts of {@code other}, whose bins must be the same. */
  public void merge(MagnitudeHistogram other) {
    if (other.binsPerOctave != binsPerOctave) {
      throw new IllegalArgumentException(
          "histograms of " + binsPerOctave + " and " + other.binsPerOctave + " bins an octave");
    }
    for (int bin = other.first; bin <= other.last; bin++) {
      counts[bin] += other.counts[bin];
    }
    first = Math.min(first, other.first);
    last = Math.max(last, other.last);
    total += other.total;
  }

  /** Forgets all values. */
  public void clear() {
    if (last >= first) {
      Arrays.fill(counts, first, last + 1, 0);
    }
    first = counts.length;
    last = -1;
    total = 0;
  }

  /** Values counted. */
  public long total() {
    return total;
  }

  /**
   * The magnitude that at least {@code percent} of the values do not exceed (nearest rank): the
   * lower edge of its bin, so exact for bf16 values and 128 bins. 0 when there are no values.
   */
  public float percentile(double percent) {
    if (!(percent > 0 && percent <= 100)) {
      throw new IllegalArgumentException("percentile " + percent + " is not above 0 and up to 100");
    }
    long rank = (long) Math.ceil(percent / 100 * total);
    long seen = 0;
    for (int bin = first; bin <= last; bin++) {
      seen += counts[bin];
      if (seen >= rank) {
        return edge(bin);
      }
    }
    return 0;
  }

  /**
   * The cut-off of least squared error for codes that are evenly spaced up to it: cut off values
   * err by their distance to it, values below half a step by themselves, all others by step^2 / 12
   * on average. The edges of the highest four octaves are tried. 0 when there are no values.
   *
   * @param stepsPerCutOff how many steps of the codes lie between zero and the cut-off
   */
  public float leastSquaresCutOff(double stepsPerCutOff) {
    if (last < first) {
      return 0;
    }
    double[][] below = momentsBelow();
    int lowest = Math.max(first, last - SEARCHED_OCTAVES * binsPerOctave);
    int best = last;
    double least = Double.POSITIVE_INFINITY;
    for (int bin = last; bin >= lowest; bin--) {
      double error = error(edge(bin + 1), bin, stepsPerCutOff, below);
      if (error < least) {
        least = error;
        best = bin;
      }
    }
    return edge(best + 1);
  }

  private double error(double cutOff, int bin, double stepsPerCutOff, double[][] below) {
    double step = cutOff / stepsPerCutOff;
    int end = last + 1 - first;
    int cut = bin + 1 - first;
    int halfStep = Math.max(0, Math.min(cut, binOf((float) (step / 2)) - first));
    double beyond =
        (below[2][end] - below[2][cut])
            - 2 * cutOff * (below[1][end] - below[1][cut])
            + cutOff * cutOff * (below[0][end] - below[0][cut]);
    double rounded = (below[0][cut] - below[0][halfStep]) * step * step / 12;
    return beyond + rounded + below[2][halfStep];
  }

  /** Sums of 1, x and x^2 over all bins below a bin, counted from the first; x is its middle. */
  private double[][] momentsBelow() {
    int needed = last - first + 2;
    if (moments[0].length < needed) {
      moments = new double[3][needed];
    }
    double[][] sums = moments;
    for (int bin = first; bin <= last; bin++) {
      double middle = (edge(bin) + (double) edge(bin + 1)) / 2;
      int i = bin - first;
      sums[0][i + 1] = sums[0][i] + counts[bin];
      sums[1][i + 1] = sums[1][i] + counts[bin] * middle;
      sums[2][i + 1] = sums[2][i] + counts[bin] * middle * middle;
    }
    return sums;
  }

  private int binOf(float magnitude) {
    return Float.floatToRawIntBits(magnitude) >>> shift;
  }

  /** The smallest magnitude of a bin; the largest finite one beyond the last. */
  private float edge(int bin) {
    return bin < counts.length ? Float.intBitsToFloat(bin << shift) : Float.MAX_VALUE;
  }
}
