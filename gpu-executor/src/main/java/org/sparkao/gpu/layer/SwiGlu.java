package org.sparkao.gpu.layer;

import org.sparkao.gpu.device.Buffer;

/**
 * y = silu(gate) * up, rounded once to bf16, with silu(g) = g / (1 + exp(-g)) (Shazeer 2020). x is
 * [rows, 2 columns] and holds gate and up, y is [rows, columns], a multiple of 8.
 */
public interface SwiGlu {
  /** Where gate and up stand in a row of x. */
  enum Order {
    /** All gates, then all ups. */
    HALVES,
    /** Gate and up of a column side by side. */
    PAIRS
  }

  /** Computes rows of y. */
  void apply(Buffer x, Order order, Buffer y, int rows, int columns);

  /** Refuses sizes that are not so. */
  static void check(Buffer x, Buffer y, int rows, int columns) {
    LayerShapes.checkPositive("rows", rows);
    LayerShapes.checkMultiple("row length", columns, LayerShapes.OCTET);
    LayerShapes.checkBf16("x", x, 2L * rows * columns);
    LayerShapes.checkBf16("y", y, (long) rows * columns);
  }
}
