package org.sparkao.quant.calibrated;

import java.util.Arrays;
import org.sparkao.quant.algorithm.WeightGrid.Rounded;
import org.sparkao.quant.calibrated.CpuGptq.Factor;
import org.sparkao.quant.calibrated.Gptq.Prepared;
import org.sparkao.quant.prune.Pruner;
import org.sparkao.quant.prune.SparsityPattern;

/**
 * SparseGPT (Frantar and Alistarh 2023, algorithm 1): columns from left to right, the error of each
 * zero is made good by the columns that follow. Weights of least w^2 / U[j, j]^2 become zero, U of
 * {@link org.sparkao.quant.dense.InverseFactor}: the least of each group when its first column's
 * turn comes, with the errors so far; of a share, the least of each block of 128 columns over all
 * rows when the block begins.
 */
public final class SparseGpt implements Pruner {
  private final SparsityPattern pattern;
  private final Factor factor;
  private final float[] diagonal;
  private final boolean[] dead;

  /**
   * For one weight.
   *
   * @param prepared of {@link CpuGptq} with columns from left to right
   */
  public SparseGpt(SparsityPattern pattern, Prepared prepared) {
    if (pattern.grouped() && GptqTile.NARROW % pattern.group() != 0) {
      throw new IllegalArgumentException("groups of " + pattern.group());
    }
    this.pattern = pattern;
    this.factor = (Factor) prepared;
    this.dead = factor.columns().dead();
    this.diagonal = new float[dead.length];
    for (int j = 0; j < dead.length; j++) {
      int place = j;
      diagonal[j] = factor.factor().map(inverse -> inverse.at(place, place)).orElse(1f);
    }
  }

  /** Bytes that a task holds beside the factor and the weights themselves. */
  public static long bytes(SparsityPattern pattern, long rows, long columns) {
    long tiles = pattern.grouped() ? 1 : (rows + GptqTile.ROWS - 1) / GptqTile.ROWS;
    return tiles * GptqTile.bytes(columns) + (pattern.grouped() ? 0 : 5 * GptqTile.BLOCK * rows);
  }

  @Override
  public boolean needsWholeWeight() {
    return !pattern.grouped();
  }

  @Override
  public void prune(float[] weights, int rows) {
    if (pattern.grouped()) {
      Groups groups = new Groups();
      Tile tile = new Tile(groups);
      groups.tile = tile;
      for (int begin = 0; begin < rows; begin += GptqTile.ROWS) {
        tile.load(weights, begin, Math.min(GptqTile.ROWS, rows - begin));
        tile.columns.solve(0, tile.rows);
        tile.store(weights, begin);
      }
    } else {
      pruneShare(weights, rows);
    }
  }

  private void pruneShare(float[] weights, int rows) {
    int k = dead.length;
    Tile[] tiles = new Tile[(rows + GptqTile.ROWS - 1) / GptqTile.ROWS];
    Share[] shares = new Share[tiles.length];
    for (int i = 0; i < tiles.length; i++) {
      shares[i] = new Share();
      tiles[i] = new Tile(shares[i]);
      int begin = i * GptqTile.ROWS;
      tiles[i].load(weights, begin, Math.min(GptqTile.ROWS, rows - begin));
    }
    float[] scores = new float[rows * Math.min(k, GptqTile.BLOCK)];
    for (int begin = 0; begin < k; begin += GptqTile.BLOCK) {
      int end = Math.min(k, begin + GptqTile.BLOCK);
      float most = threshold(tiles, begin, end, scores);
      for (int i = 0; i < tiles.length; i++) {
        shares[i].choose(tiles[i], begin, end, most);
        tiles[i].columns.solveBlock(begin, 0, tiles[i].rows);
      }
    }
    for (int i = 0; i < tiles.length; i++) {
      tiles[i].store(weights, i * GptqTile.ROWS);
    }
  }

  /** The largest score that becomes zero in a block. */
  private float threshold(Tile[] tiles, int begin, int end, float[] scores) {
    int count = 0;
    for (Tile tile : tiles) {
      for (int place = begin; place < end; place++) {
        for (int row = 0; row < tile.rows; row++) {
          scores[count++] = tile.score(row, place);
        }
      }
    }
    Arrays.sort(scores, 0, count);
    return count == 0 ? 0 : scores[(int) (count * pattern.share())];
  }

  /** Up to 64 rows. */
  private final class Tile {
    private final GptqTile columns;
    private int rows;

    Tile(GptqTile.ColumnRule rule) {
      this.columns = new GptqTile(rule, factor);
    }

    void load(float[] weights, int begin, int count) {
      rows = count;
      columns.clear();
      for (int row = 0; row < rows; row++) {
        for (int j = 0; j < dead.length; j++) {
          if (!dead[j]) {
            columns.set(row, j, weights[(begin + row) * dead.length + j]);
          }
        }
      }
    }

    void store(float[] weights, int begin) {
      for (int row = 0; row < rows; row++) {
        for (int j = 0; j < dead.length; j++) {
          weights[(begin + row) * dead.length + j] = columns.step(row, j);
        }
      }
    }

    float score(int row, int place) {
      float weight = columns.step(row, place);
      return weight * weight / (diagonal[place] * diagonal[place]);
    }
  }

  /** Zeros in a column, as masks [column, {@link GptqTile#ROWS}] say. */
  private static void round(boolean[] zero, int at, int rows, float[] column, Rounded out) {
    for (int row = 0; row < rows; row++) {
      float value = zero[at + row] ? 0 : column[row];
      out.values[row] = value;
      out.steps[out.stepsAt + row] = value;
    }
  }

  /** The least of each group. */
  private final class Groups implements GptqTile.ColumnRule {
    private final boolean[] zero = new boolean[GptqTile.NARROW * GptqTile.ROWS];
    private Tile tile;

    @Override
    public void round(int place, int rowBegin, int rows, float[] column, Rounded out) {
      if (place % pattern.group() == 0) {
        for (int row = 0; row < rows; row++) {
          choose(row, place);
        }
      }
      SparseGpt.round(zero, place % pattern.group() * GptqTile.ROWS, rows, column, out);
    }

    /** Of equal scores the first go. */
    private void choose(int row, int begin) {
      for (int i = 0; i < pattern.group(); i++) {
        zero[i * GptqTile.ROWS + row] = false;
      }
      for (int chosen = 0; chosen < pattern.zeros(); chosen++) {
        int least = -1;
        for (int i = 0; i < pattern.group(); i++) {
          if (!zero[i * GptqTile.ROWS + row]
              && (least < 0 || tile.score(row, begin + i) < tile.score(row, begin + least))) {
            least = i;
          }
        }
        zero[least * GptqTile.ROWS + row] = true;
      }
    }
  }

  /** The least of a block. */
  private static final class Share implements GptqTile.ColumnRule {
    private final boolean[] zero = new boolean[GptqTile.BLOCK * GptqTile.ROWS];

    void choose(Tile tile, int begin, int end, float most) {
      for (int place = begin; place < end; place++) {
        for (int row = 0; row < tile.rows; row++) {
          zero[(place - begin) * GptqTile.ROWS + row] = tile.score(row, place) <= most;
        }
      }
    }

    @Override
    public void round(int place, int rowBegin, int rows, float[] column, Rounded out) {
      SparseGpt.round(zero, place % GptqTile.BLOCK * GptqTile.ROWS, rows, column, out);
    }
  }
}
