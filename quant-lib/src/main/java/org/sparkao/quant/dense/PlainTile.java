package org.sparkao.quant.dense;

/** The reference: one element after the other. */
final class PlainTile implements TileKernel {
  @Override
  public void add(Place a, Place b, int count, Place c) {
    for (int r = 0; r < ROWS; r++) {
      for (int s = 0; s < COLUMNS; s++) {
        int at = c.first() + r * c.next() + s;
        float sum = c.values()[at];
        for (int i = 0; i < count; i++) {
          float left = a.values()[a.first() + i * a.next() + r * a.row()];
          sum = Math.fma(left, b.values()[b.first() + i * b.next() + s], sum);
        }
        c.values()[at] = sum;
      }
    }
  }

  @Override
  public String name() {
    return "plain";
  }
}
