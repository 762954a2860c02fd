package org.sparkao.quant.calibration;

import java.util.ArrayList;
import java.util.List;
import org.sparkao.quant.observe.InputSums;
import org.sparkao.quant.observe.MagnitudeHistogram;

/** Names of the tensors of a file, and the tensors of an input. */
final class InputTensors {
  static final String COUNT = "count";
  static final String ROUTED = "routed";
  static final String MIN = "min";
  static final String MAX = "max";
  static final String AMAX = "amax";
  static final String MEAN_ABSOLUTE = "mean_absolute";
  static final String MEAN_SQUARE = "mean_square";
  static final String SUM_ABSOLUTE = "sum_absolute";
  static final String SUM_SQUARE = "sum_square";
  static final String HISTOGRAM = "histogram";
  static final String TOKEN_AMAX = "token_amax";
  static final String HESSIAN = "hessian";
  static final String CROSS_PRODUCTS = "cross_products";

  private InputTensors() {}

  static String input(String input, String statistic) {
    return input + ".input." + statistic;
  }

  static String weightAmax(String module) {
    return module + ".weight.column_amax";
  }

  static String keyAmax(String block) {
    return block + ".self_attn.k_cache.amax";
  }

  static String valueAmax(String block) {
    return block + ".self_attn.v_cache.amax";
  }

  static String first(String histogram) {
    return histogram + "_first";
  }

  /** Of a finished calibration. */
  static List<Numbers> statistics(String input, InputSums sums) {
    List<Numbers> all = new ArrayList<>(counted(input, sums));
    double count = sums.count();
    int k = sums.columns();
    float[] amax = new float[k];
    for (int i = 0; i < k && sums.tokens() > 0; i++) {
      amax[i] = Math.max(Math.abs(sums.min()[i]), Math.abs(sums.max()[i]));
    }
    all.add(Numbers.floats(input(input, AMAX), amax));
    all.add(Numbers.means(input(input, MEAN_ABSOLUTE), sums.absolute(), count));
    all.add(Numbers.floats(input(input, MEAN_SQUARE), sums.meanSquare()));
    sums.crossProducts()
        .ifPresent(h -> all.add(Numbers.means(input(input, HESSIAN), h, count, k, k)));
    return all;
  }

  /** Of a part that is yet to be merged. */
  static List<Numbers> sums(String input, InputSums sums) {
    List<Numbers> all = new ArrayList<>(counted(input, sums));
    int k = sums.columns();
    all.add(Numbers.doubles(input(input, SUM_ABSOLUTE), sums.absolute()));
    all.add(Numbers.doubles(input(input, SUM_SQUARE), sums.square()));
    sums.crossProducts()
        .ifPresent(h -> all.add(Numbers.floats(input(input, CROSS_PRODUCTS), h, k, k)));
    return all;
  }

  private static List<Numbers> counted(String input, InputSums sums) {
    List<Numbers> all = new ArrayList<>();
    all.add(Numbers.longs(input(input, COUNT), sums.tokens()));
    all.add(Numbers.longs(input(input, ROUTED), sums.routed()));
    all.add(Numbers.floats(input(input, MIN), sums.min()));
    all.add(Numbers.floats(input(input, MAX), sums.max()));
    all.addAll(histogram(input(input, HISTOGRAM), sums.magnitudes()));
    all.addAll(histogram(input(input, TOKEN_AMAX), sums.tokenAmax()));
    return all;
  }

  private static List<Numbers> histogram(String name, MagnitudeHistogram histogram) {
    return List.of(
        Numbers.longs(name, histogram.counts()), Numbers.longs(first(name), histogram.firstBin()));
  }
}
