package org.sparkao.quant.gguf;

import org.sparkao.quant.format.WeightType;

/** Numbers one by one, rounded to the nearest, ties to even. */
record PlainNumbers(WeightType type) implements BlockEncoder {

  @Override
  public void encode(float[] values, int from, byte[] out, int at) {
    type.write(type.round(values[from]), out, at);
  }
}
