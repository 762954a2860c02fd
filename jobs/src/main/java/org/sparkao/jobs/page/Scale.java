package org.sparkao.jobs.page;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * A straight axis whose ends and marks are round numbers.
 *
 * @param low least value that is shown
 * @param high largest value that is shown
 * @param step between marks: 1, 2 or 5 times a power of ten
 */
record Scale(double low, double high, double step) {
  Scale {
    if (!(low < high) || !(step > 0)) {
      throw new IllegalArgumentException("from " + low + " to " + high + " by " + step);
    }
  }

  /**
   * The narrowest round scale that holds both values; around a single one where they are equal.
   *
   * @param marks about how many parts it has, at most
   */
  static Scale around(double least, double largest, int marks) {
    double span = largest - least;
    if (!(span > 1e-9 * Math.max(Math.abs(least), Math.abs(largest)))) {
      span = least == 0 ? 1 : Math.abs(least) / 10;
    }
    double rough = span / marks;
    double power = Math.pow(10, Math.floor(Math.log10(rough)));
    double step =
        power * (rough <= power ? 1 : rough <= 2 * power ? 2 : rough <= 5 * power ? 5 : 10);
    double low = step * Math.floor(least / step);
    double high = step * Math.ceil(largest / step);
    return low < high ? new Scale(low, high, step) : new Scale(low - step, high + step, step);
  }

  /** The same without what lies beyond two marks, between which all values are. */
  Scale within(double least, double largest) {
    return new Scale(Math.max(low, least), Math.min(high, largest), step);
  }

  /** Where a value lies, 0 at the low end to 1 at the high one. */
  double position(double value) {
    return (value - low) / (high - low);
  }

  /** The values at the marks. */
  List<Double> marks() {
    List<Double> marks = new ArrayList<>();
    long count = Math.round((high - low) / step);
    for (long i = 0; i <= count; i++) {
      marks.add(step * (Math.round(low / step) + i));
    }
    return marks;
  }

  /** A mark's value with as many decimals as the step needs. */
  String text(double mark) {
    int decimals = (int) Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    return String.format(Locale.ROOT, "%." + decimals + "f", mark == 0 ? 0.0 : mark);
  }
}
