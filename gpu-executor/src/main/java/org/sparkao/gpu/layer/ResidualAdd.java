package org.sparkao.gpu.layer;

import org.sparkao.gpu.device.Buffer;

/** y = a + b of bf16 numbers, rounded to bf16. */
public interface ResidualAdd {
  /**
   * Adds; y may be a or b.
   *
   * @param elements a multiple of 8
   */
  void add(Buffer a, Buffer b, Buffer y, long elements);

  /** Refuses sizes that are not so. */
  static void check(Buffer a, Buffer b, Buffer y, long elements) {
    if (elements <= 0 || elements % LayerShapes.OCTET != 0) {
      throw new IllegalArgumentException(
          elements + " elements are not a positive multiple of " + LayerShapes.OCTET);
    }
    LayerShapes.checkBf16("a", a, elements);
    LayerShapes.checkBf16("b", b, elements);
    LayerShapes.checkBf16("y", y, elements);
  }
}
