package org.sparkao.quant.calibrated;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.sparkao.quant.algorithm.WeightGrid;
import org.sparkao.quant.calibrated.CpuGptq.Factor;
import org.sparkao.quant.calibrated.Gptq.GptqQuantizer;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.metric.TensorStatistics;
import org.sparkao.quant.pack.PackedPart;

/** GPTQ of one weight, tile of rows by tile of rows. */
final class CpuGptqQuantizer implements GptqQuantizer {
  private final WeightGrid grid;
  private final Factor factor;
  private final List<PackedPart> parts;
  private final WeightType type;

  /** Whether groups follow the order of the columns. */
  private final boolean byOrder;

  private final int k;
  private final int[] groups;
  private final GptqTile tile;
  private final float[] steps;
  private double loss;
  private long roundedToNearest;

  CpuGptqQuantizer(WeightGrid grid, Factor factor, boolean byOrder) {
    this.grid = grid;
    this.factor = factor;
    this.type = grid.type();
    this.byOrder = byOrder;
    this.k = factor.order().length;
    this.groups = ColumnGroups.of(factor.order(), grid.groupColumns(), byOrder);
    this.tile = new GptqTile(grid, factor, groups);
    this.steps = new float[k];
    List<PackedPart> all = new ArrayList<>(grid.parts());
    if (byOrder) {
      all.add(ColumnGroups.part(k));
    }
    this.parts = List.copyOf(all);
  }

  @Override
  public List<PackedPart> parts() {
    return parts;
  }

  @Override
  public int sliceRowMultiple() {
    return grid.sliceRowMultiple();
  }

  @Override
  public void quantize(byte[] source, int sourceOffset, long rowBegin, int rows, byte[][] out) {
    if (byOrder) {
      grid.begin(inOrder(source, sourceOffset, rows), 0, rowBegin, rows, out);
      writeGroups(rowBegin, out[parts.size() - 1]);
    } else {
      grid.begin(source, sourceOffset, rowBegin, rows, out);
    }
    for (int begin = 0; begin < rows; begin += GptqTile.ROWS) {
      int count = Math.min(GptqTile.ROWS, rows - begin);
      load(source, sourceOffset, begin, count);
      tile.solve(begin, count);
      for (int row = 0; row < count; row++) {
        for (int place = 0; place < k; place++) {
          steps[factor.order()[place]] = tile.step(row, place);
        }
        grid.write(begin + row, steps, groups, source, sourceOffset);
        account(begin + row, tile.loss(row));
      }
    }
  }

  private void account(int row, double lossOfRow) {
    if (grid.broken(row)) {
      roundedToNearest++;
    } else {
      loss += lossOfRow;
    }
  }

  private void load(byte[] source, int sourceOffset, int begin, int count) {
    tile.clear();
    for (int row = 0; row < count; row++) {
      if (grid.broken(begin + row)) {
        continue;
      }
      int from = sourceOffset + (begin + row) * k * type.bytes();
      for (int place = 0; place < k; place++) {
        int column = factor.order()[place];
        if (!factor.dead()[column]) {
          tile.set(row, place, type.read(source, from + column * type.bytes()));
        }
      }
    }
  }

  /** The rows with columns in the order in which they are rounded. */
  private byte[] inOrder(byte[] source, int sourceOffset, int rows) {
    int bytes = type.bytes();
    byte[] ordered = new byte[Math.multiplyExact(rows, k * bytes)];
    for (int row = 0; row < rows; row++) {
      for (int place = 0; place < k; place++) {
        int from = sourceOffset + (row * k + factor.order()[place]) * bytes;
        System.arraycopy(source, from, ordered, (row * k + place) * bytes, bytes);
      }
    }
    return ordered;
  }

  private void writeGroups(long rowBegin, byte[] out) {
    if (rowBegin == 0) {
      ByteBuffer target = ByteBuffer.wrap(out).order(ByteOrder.LITTLE_ENDIAN);
      for (int group : groups) {
        target.putInt(group);
      }
    }
  }

  @Override
  public TensorStatistics statistics() {
    return grid.statistics();
  }

  @Override
  public double loss() {
    return loss;
  }

  @Override
  public long rowsRoundedToNearest() {
    return roundedToNearest;
  }
}
