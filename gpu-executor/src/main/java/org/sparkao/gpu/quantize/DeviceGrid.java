package org.sparkao.gpu.quantize;

import org.sparkao.quant.scheme.Granularity;

/**
 * Which weights of [rows, columns] share a scale, as kernels take it.
 *
 * @param groupRows rows that share one; 0 for one scale a tensor
 * @param groupColumns columns that share one
 * @param groups scales side by side along a row
 */
public record DeviceGrid(int groupRows, int groupColumns, int groups) {
  private static final int BLOCK = 128;
  private static final int OCTET = 8;
  private static final int LARGEST_HELD_ROW = 32768;
  private static final int LARGEST_HELD_GROUP = 256;

  /** How scales and codes are found: see the list of kernels at the head of quantize.cu. */
  enum Pass {
    ROWS,
    GROUPS,
    BLOCKS,
    TWO_PASSES
  }

  /** Of weights of {@code columns} columns. */
  public static DeviceGrid of(Granularity granularity, int columns) {
    if (granularity instanceof Granularity.PerTensor) {
      return new DeviceGrid(0, columns, 1);
    }
    if (granularity instanceof Granularity.PerRow) {
      return new DeviceGrid(1, columns, 1);
    }
    if (granularity instanceof Granularity.PerGroup group) {
      return new DeviceGrid(1, group.size(), columns / group.size());
    }
    if (granularity instanceof Granularity.PerBlock block) {
      int width = Math.min(columns, block.columns());
      return new DeviceGrid(block.rows(), width, (columns - 1) / width + 1);
    }
    throw new IllegalArgumentException("weights have no scale " + granularity.strategy());
  }

  /** Whether there is one scale for all. */
  public boolean wholeTensor() {
    return groupRows == 0;
  }

  /** Scales of {@code rows} rows. */
  int scales(int rows) {
    return wholeTensor() ? 1 : Math.multiplyExact((rows - 1) / groupRows + 1, groups);
  }

  /** The pass that reads weights of {@code columns} columns once, where there is one. */
  Pass pass(DeviceScheme scheme, int columns) {
    boolean noPadding = !scheme.packed() || (long) columns * scheme.bits() % Integer.SIZE == 0;
    if (columns % OCTET != 0 || !noPadding || wholeTensor()) {
      return Pass.TWO_PASSES;
    }
    if (groupRows == 1 && groups == 1 && columns <= LARGEST_HELD_ROW) {
      return Pass.ROWS;
    }
    boolean heldGroup =
        groupColumns >= OCTET
            && groupColumns <= LARGEST_HELD_GROUP
            && Integer.bitCount(groupColumns) == 1;
    if (groupRows == 1 && heldGroup) {
      return Pass.GROUPS;
    }
    return groupRows == BLOCK && groupColumns == BLOCK ? Pass.BLOCKS : Pass.TWO_PASSES;
  }
}
