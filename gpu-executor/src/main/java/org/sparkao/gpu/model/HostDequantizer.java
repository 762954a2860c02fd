package org.sparkao.gpu.model;

import java.nio.ByteBuffer;
import java.util.Objects;
import org.sparkao.gpu.quantize.StoredWeight;
import org.sparkao.quant.format.WeightType;

/**
 * The weight of a linear layer, W [N, K], as numbers in memory of the host, whatever it is stored
 * as: slices of rows, K contiguous, with the arithmetic of {@link
 * org.sparkao.gpu.quantize.WeightDequantizer}. It holds the stored parts (a quantized weight stays
 * quantized), and a call takes memory for one slice beside them. Immutable: threads may share it.
 */
public final class HostDequantizer {
  private final LinearWeight weight;
  private final Rows source;
  private final Rows unrounded;

  private HostDequantizer(LinearWeight weight, Rows source, Rows unrounded) {
    this.weight = weight;
    this.source = source;
    this.unrounded = unrounded;
  }

  /** Reads the stored parts of a weight. */
  public static HostDequantizer of(LinearWeight weight) {
    if (weight.form() instanceof LinearWeight.Quantized quantized) {
      StoredWeight stored =
          StoredWeight.of(
              quantized.request(),
              quantized.parts().stream().map(part -> part.bytes().get()).toList());
      return new HostDequantizer(weight, stored::dequantize, stored::unrounded);
    }
    StoredTensor values = ((LinearWeight.Plain) weight.form()).values();
    WeightType type = WeightType.valueOf(values.dtype().name());
    ByteBuffer bytes = values.bytes().get();
    Rows plain =
        (rowBegin, count, out, offset) ->
            PlainNumbers.read(
                bytes, type, (long) rowBegin * weight.k(), out, offset, count * weight.k());
    return new HostDequantizer(weight, plain, plain);
  }

  /**
   * Rows [rowBegin, rowBegin + count) as fp32: the stored numbers, or dequantized ones, which are
   * rounded to the type of the unquantized weight.
   *
   * @param out receives count * K numbers from {@code offset}
   */
  public void floats(int rowBegin, int count, float[] out, int offset) {
    Objects.checkFromIndexSize(rowBegin, count, weight.n());
    Objects.checkFromIndexSize(offset, Math.multiplyExact(count, weight.k()), out.length);
    source.read(rowBegin, count, out, offset);
  }

  /**
   * The same without rounding to the type of the unquantized weight: codes times scales in fp32.
   *
   * @param out receives count * K numbers from {@code offset}
   */
  public void unrounded(int rowBegin, int count, float[] out, int offset) {
    Objects.checkFromIndexSize(rowBegin, count, weight.n());
    Objects.checkFromIndexSize(offset, Math.multiplyExact(count, weight.k()), out.length);
    unrounded.read(rowBegin, count, out, offset);
  }

  /**
   * The same as BF16, little endian: what {@link #floats} gives, rounded to nearest even once more
   * where that is not BF16 already.
   *
   * @param out receives count * K numbers from its position, which moves
   */
  public void bf16(int rowBegin, int count, ByteBuffer out) {
    Objects.checkFromIndexSize(rowBegin, count, weight.n());
    float[] row = new float[weight.k()];
    byte[] bytes = new byte[Math.multiplyExact(WeightType.BF16.bytes(), weight.k())];
    for (int i = rowBegin; i < rowBegin + count; i++) {
      source.read(i, 1, row, 0);
      for (int j = 0; j < row.length; j++) {
        WeightType.BF16.write(WeightType.BF16.round(row[j]), bytes, WeightType.BF16.bytes() * j);
      }
      out.put(bytes);
    }
  }

  /** Reads rows as fp32. */
  private interface Rows {
    void read(int rowBegin, int count, float[] out, int offset);
  }
}
