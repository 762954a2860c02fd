package org.sparkao.quant.checkpoint;

import java.io.Serializable;
import java.util.Objects;
import org.sparkao.quant.safetensors.DType;

/** How the numbers of a weight are stored, and in which type a reader gives them. */
public sealed interface StoredForm extends Serializable {

  /** The type that a reader gives. */
  DType dtype();

  /**
   * The values themselves: F32, F16 and BF16 as they are, F8_E4M3 as BF16, which holds each of its
   * values exactly.
   *
   * @param dtype what a reader gives
   */
  record Plain(DType dtype) implements StoredForm {
    /** The type is given. */
    public Plain {
      Objects.requireNonNull(dtype, "dtype");
    }
  }

  /**
   * F8_E4M3 codes times scales: value [n, k] = code [n, k] * scale [n / blockRows, k /
   * blockColumns], multiplied in fp32 and rounded to nearest, ties to even. NaN codes stay NaN.
   *
   * @param dtype what a reader gives
   * @param scale F32, F16 or BF16 [ceil(N / blockRows), ceil(K / blockColumns)]
   * @param blockRows rows that share a scale
   * @param blockColumns columns that share a scale
   */
  record Scaled(DType dtype, CheckpointTensor scale, long blockRows, long blockColumns)
      implements StoredForm {
    /** Blocks are not empty. */
    public Scaled {
      Objects.requireNonNull(dtype, "dtype");
      Objects.requireNonNull(scale, "scale");
      if (blockRows < 1 || blockColumns < 1) {
        throw new IllegalArgumentException("blocks of " + blockRows + " x " + blockColumns);
      }
    }
  }

  /**
   * I8 codes under scales and zero points of rows or groups: value [n, k] = (code [n, k] -
   * zeroPoint [n, k / groupColumns]) * scale [n, k / groupColumns], multiplied in fp32 and rounded
   * to nearest, ties to even.
   *
   * @param dtype what a reader gives
   * @param scale F32, F16 or BF16 [N, K / groupColumns]
   * @param zeroPoint I8, of the same shape
   * @param groupColumns columns that share a scale
   */
  record Affine(DType dtype, CheckpointTensor scale, CheckpointTensor zeroPoint, long groupColumns)
      implements StoredForm {
    /** All parts are given. */
    public Affine {
      Objects.requireNonNull(dtype, "dtype");
      Objects.requireNonNull(scale, "scale");
      Objects.requireNonNull(zeroPoint, "zeroPoint");
      if (groupColumns < 1) {
        throw new IllegalArgumentException("groups of " + groupColumns);
      }
    }
  }
}
