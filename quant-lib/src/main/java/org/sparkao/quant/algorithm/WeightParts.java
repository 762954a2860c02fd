package org.sparkao.quant.algorithm;

import java.util.List;
import org.sparkao.quant.pack.PackedPart;
import org.sparkao.quant.safetensors.DType;

/**
 * The tensors that a weight becomes, and which of them is what. An index of {@link #NONE} says that
 * there is no such tensor. Made by a {@link WeightLayout}.
 *
 * @param list the tensors
 * @param codes index of the codes
 * @param scale index of the scales
 * @param zeroPoint index of the zero points
 * @param global index of the global scale
 * @param shape index of the shape
 * @param form how codes and zero points lie in their tensors
 */
record WeightParts(
    List<PackedPart> list,
    int codes,
    int scale,
    int zeroPoint,
    int global,
    int shape,
    CodeForm form) {
  static final int NONE = -1;

  /** How codes lie in a row. */
  enum CodeForm {
    /** One a byte, zero points too. */
    BYTES,
    /** A dense stream of bits. */
    BITS,
    /** The same of codes made positive, zero points along the rows. */
    BIASED_BITS
  }

  static WeightParts of(QuantizeRequest request, ScaleGrid grid) {
    return WeightLayout.of(request.layout()).parts(request, grid);
  }

  /** A tensor of {@code columns} elements a row of the weight. */
  static PackedPart rows(String suffix, DType type, long rows, long columns) {
    return new PackedPart(suffix, type, List.of(rows, columns), 1, type.bytes(columns));
  }
}
