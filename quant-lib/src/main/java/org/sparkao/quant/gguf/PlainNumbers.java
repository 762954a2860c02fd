package org.sparkao.quant.gguf;

import org.sparkao.quant.format.WeightType;

/** Numbers one by one, rounded to the nearest, ties to even. */
record PlainNumbers(WeightType type) implements Block {

  @Override
  public void encode(float[] values, int from, byte[] out, int at) {
    type.write(type.round(values[from]), out, at);
  }

  @Override
  public void decode(byte[] bytes, int from, float[] values, int at) {
    values[at] = type.read(bytes, from);
  }
}
