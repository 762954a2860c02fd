package org.sparkao.gpu.layer;

import org.sparkao.gpu.device.Buffer;

/** Rows of a table by token id: y[i] = table[ids[i]]. */
public interface Embedding {
  /** Gathers rows; an id outside the table gives a row of NaN. */
  void gather(Table table, Buffer ids, Buffer y, int rows);

  /**
   * The table.
   *
   * @param values [vocabulary, columns] bf16, columns contiguous and a multiple of 8
   */
  record Table(Buffer values, int vocabulary, int columns) {
    /** Checks sizes. */
    public Table {
      LayerShapes.checkPositive("vocabulary", vocabulary);
      LayerShapes.checkMultiple("row length", columns, LayerShapes.OCTET);
      LayerShapes.checkBf16("table", values, (long) vocabulary * columns);
    }

    void check(Buffer ids, Buffer y, int rows) {
      LayerShapes.checkPositive("rows", rows);
      LayerShapes.checkBytes("ids", ids, rows, Integer.BYTES);
      LayerShapes.checkBf16("y", y, (long) rows * columns);
    }
  }
}
