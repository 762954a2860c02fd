package org.sparkao.quant.algorithm;

import java.util.List;
import org.sparkao.quant.pack.PackedPart;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.Granularity;

/**
 * Which elements of a weight [N, K] share a scale: {@code rows} rows of {@code columns} columns.
 *
 * @param shape of the scales in the file
 * @param rows rows that share a scale, 1 unless it is a block; {@link Integer#MAX_VALUE} for one
 *     scale a tensor
 * @param columns columns that share a scale
 * @param groups scales side by side along a row
 */
record ScaleGrid(List<Long> shape, int rows, int columns, int groups) {

  static ScaleGrid of(Granularity granularity, WeightSpec weight) {
    long n = weight.rows();
    int k = Math.toIntExact(weight.columns());
    if (granularity instanceof Granularity.PerTensor) {
      return new ScaleGrid(List.of(1L), Integer.MAX_VALUE, k, 1);
    }
    if (granularity instanceof Granularity.PerRow) {
      return new ScaleGrid(List.of(n, 1L), 1, k, 1);
    }
    if (granularity instanceof Granularity.PerGroup group) {
      int groups = k / group.size();
      return new ScaleGrid(List.of(n, (long) groups), 1, group.size(), groups);
    }
    if (granularity instanceof Granularity.PerBlock block) {
      long down = (n + block.rows() - 1) / block.rows();
      int across = (k + block.columns() - 1) / block.columns();
      return new ScaleGrid(
          List.of(down, (long) across), block.rows(), Math.min(k, block.columns()), across);
    }
    throw new IllegalArgumentException("weights have no scale " + granularity.strategy());
  }

  boolean wholeTensor() {
    return rows == Integer.MAX_VALUE;
  }

  /** A tensor of one element a scale. */
  PackedPart part(String suffix, DType type) {
    return new PackedPart(suffix, type, shape, rows, type.bytes(groups));
  }
}
