package org.sparkao.quant.algorithm;

import java.util.Objects;
import org.sparkao.quant.safetensors.DType;

/**
 * The weight of a linear layer before quantization: [rows, columns], columns contiguous.
 *
 * @param rows output features, N
 * @param columns input features, K
 * @param dtype BF16, F16 or F32: the data type D that scales inherit
 */
public record WeightSpec(long rows, long columns, DType dtype) {

  /** A shape that is not empty, in a type that is computed with. */
  public WeightSpec {
    Objects.requireNonNull(dtype, "dtype");
    if (rows < 1 || columns < 1) {
      throw new IllegalArgumentException("shape [" + rows + ", " + columns + "]");
    }
    if (dtype != DType.BF16 && dtype != DType.F16 && dtype != DType.F32) {
      throw new IllegalArgumentException("weights of type " + dtype);
    }
  }

  /** Bytes of one row. */
  public long rowBytes() {
    return dtype.bytes(columns);
  }
}
