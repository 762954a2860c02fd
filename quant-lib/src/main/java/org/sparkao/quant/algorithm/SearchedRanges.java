package org.sparkao.quant.algorithm;

import java.util.Optional;
import org.sparkao.quant.format.WeightType;

/**
 * Reads the finite values of a group and has its range searched. Groups are searched one by one, so
 * that the result does not depend on how a tensor is cut. One instance a tensor and a thread.
 */
final class SearchedRanges {
  private final Optional<RangeSearch> search;
  private final Optional<WeightedSearch> weighted;
  private final WeightType type;
  private final int rowBytes;
  private final GroupRange found = new GroupRange();
  private float[] values = new float[0];
  private float[] counts = new float[0];

  /**
   * For one tensor.
   *
   * @param search empty when values alone do not decide
   * @param weighted empty when columns count alike; both empty to leave ranges as they are
   */
  SearchedRanges(
      Optional<RangeSearch> search, Optional<WeightedSearch> weighted, WeightSpec weight) {
    this.search = search;
    this.weighted = weighted;
    this.type = WeightTypes.of(weight.dtype());
    this.rowBytes = Math.toIntExact(weight.rowBytes());
  }

  /**
   * The range for the scale of a group of {@code rows} rows, {@code count} values in each.
   *
   * @param offset byte of the first value
   * @param column of the first value
   * @param range the range of the finite values
   */
  GroupRange of(byte[] source, int offset, int rows, int column, int count, GroupRange range) {
    if (search.isEmpty() && weighted.isEmpty() || range.min > range.max) {
      return range;
    }
    if (values.length < rows * count) {
      values = new float[rows * count];
      counts = new float[rows * count];
    }
    int finite = 0;
    for (int row = 0; row < rows; row++) {
      for (int j = 0; j < count; j++) {
        float value = type.read(source, offset + row * rowBytes + j * type.bytes());
        if (Math.abs(value) <= Float.MAX_VALUE) {
          if (weighted.isPresent()) {
            counts[finite] = weighted.get().importance()[column + j];
          }
          values[finite++] = value;
        }
      }
    }
    found.min = range.min;
    found.max = range.max;
    if (weighted.isPresent()) {
      weighted.get().search().searchWeighted(values, counts, finite, found);
    } else {
      search.orElseThrow().search(values, finite, found);
    }
    return found;
  }
}
