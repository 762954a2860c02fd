package org.sparkao.quant.calibrated;

import org.sparkao.quant.algorithm.WeightGrid;
import org.sparkao.quant.calibrated.CpuGptq.Factor;
import org.sparkao.quant.format.WeightType;

/** Rows on the processor, tile by tile. */
final class CpuGptqSolver implements GptqSolver {
  private final WeightGrid grid;
  private final int[] order;
  private final boolean[] dead;
  private final GptqTile tile;
  private final float[] steps;

  CpuGptqSolver(WeightGrid grid, Factor factor, int[] groups) {
    this.grid = grid;
    this.order = factor.columns().order();
    this.dead = factor.columns().dead();
    this.tile =
        new GptqTile(
            (place, rowBegin, rows, column, out) ->
                grid.round(groups[order[place]], rowBegin, rows, column, out),
            factor);
    this.steps = new float[order.length];
  }

  @Override
  public void solve(byte[] source, int offset, int rows, Rows out) {
    for (int begin = 0; begin < rows; begin += GptqTile.ROWS) {
      int count = Math.min(GptqTile.ROWS, rows - begin);
      load(source, offset, begin, count);
      tile.solve(begin, count);
      for (int row = 0; row < count; row++) {
        for (int place = 0; place < order.length; place++) {
          steps[order[place]] = tile.step(row, place);
        }
        out.take(begin + row, steps, tile.loss(row));
      }
    }
  }

  private void load(byte[] source, int offset, int begin, int count) {
    WeightType type = grid.type();
    tile.clear();
    for (int row = 0; row < count; row++) {
      if (grid.broken(begin + row)) {
        continue;
      }
      int from = offset + (begin + row) * order.length * type.bytes();
      for (int place = 0; place < order.length; place++) {
        int column = order[place];
        if (!dead[column]) {
          tile.set(row, place, type.read(source, from + column * type.bytes()));
        }
      }
    }
  }
}
