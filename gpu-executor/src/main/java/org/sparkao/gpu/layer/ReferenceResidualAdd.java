package org.sparkao.gpu.layer;

import org.sparkao.gpu.device.Buffer;

/** Plain Java. */
public final class ReferenceResidualAdd implements ResidualAdd {
  @Override
  public void add(Buffer a, Buffer b, Buffer y, long elements) {
    ResidualAdd.check(a, b, y, elements);
    Bf16Array left = new Bf16Array(a);
    Bf16Array right = new Bf16Array(b);
    Bf16Array out = new Bf16Array(y);
    for (long i = 0; i < elements; i++) {
      out.put(i, left.get(i) + right.get(i));
    }
  }
}
