package org.sparkao.quant.calibrated;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.sparkao.quant.algorithm.WeightGrid;
import org.sparkao.quant.calibrated.Gptq.GptqQuantizer;
import org.sparkao.quant.metric.TensorStatistics;
import org.sparkao.quant.pack.PackedPart;

/** GPTQ of one weight: scales and packing of its grid, and a solver between them. */
final class GridGptqQuantizer implements GptqQuantizer {
  private final WeightGrid grid;
  private final List<PackedPart> parts;

  /** Column at each place. */
  private final int[] order;

  /** Whether groups follow the order of the columns. */
  private final boolean byOrder;

  private final int[] groups;
  private final GptqSolver solver;
  private double loss;
  private long roundedToNearest;

  GridGptqQuantizer(WeightGrid grid, int[] order, boolean byOrder, GptqSolver.Factory solvers) {
    this.grid = grid;
    this.order = order;
    this.byOrder = byOrder;
    this.groups = ColumnGroups.of(order, grid.groupColumns(), byOrder);
    this.solver = solvers.of(grid, groups);
    List<PackedPart> all = new ArrayList<>(grid.parts());
    if (byOrder) {
      all.add(ColumnGroups.part(order.length));
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
  public int sliceBytes() {
    return solver.sliceBytes();
  }

  @Override
  public void quantize(byte[] source, int sourceOffset, long rowBegin, int rows, byte[][] out) {
    if (byOrder) {
      grid.begin(inOrder(source, sourceOffset, rows), 0, rowBegin, rows, out);
      writeGroups(rowBegin, out[parts.size() - 1]);
    } else {
      grid.begin(source, sourceOffset, rowBegin, rows, out);
    }
    solver.solve(
        source,
        sourceOffset,
        rows,
        (row, steps, lossOfRow) -> {
          grid.write(row, steps, groups, source, sourceOffset);
          account(row, lossOfRow);
        });
  }

  private void account(int row, double lossOfRow) {
    if (grid.broken(row)) {
      roundedToNearest++;
    } else {
      loss += lossOfRow;
    }
  }

  /** The rows with columns in the order in which they are rounded. */
  private byte[] inOrder(byte[] source, int sourceOffset, int rows) {
    int k = order.length;
    int bytes = grid.type().bytes();
    byte[] ordered = new byte[Math.multiplyExact(rows, k * bytes)];
    for (int row = 0; row < rows; row++) {
      for (int place = 0; place < k; place++) {
        int from = sourceOffset + (row * k + order[place]) * bytes;
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
