package org.sparkao.gpu.layer;

import org.sparkao.gpu.device.Buffer;

/** Plain Java in double. */
public final class ReferenceSwiGlu implements SwiGlu {
  @Override
  public void apply(Buffer x, Order order, Buffer y, int rows, int columns) {
    SwiGlu.check(x, y, rows, columns);
    Bf16Array in = new Bf16Array(x);
    Bf16Array out = new Bf16Array(y);
    int step = order == Order.PAIRS ? 2 : 1;
    int up = order == Order.PAIRS ? 1 : columns;
    for (long row = 0; row < rows; row++) {
      for (int i = 0; i < columns; i++) {
        long at = 2 * row * columns + (long) step * i;
        double gate = in.get(at);
        out.put(row * columns + i, gate / (1 + Math.exp(-gate)) * in.get(at + up));
      }
    }
  }
}
