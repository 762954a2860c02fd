package org.sparkao.quant.calibrated;

import java.util.ArrayList;
import java.util.List;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.Quantizers;
import org.sparkao.quant.pack.PackedPart;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.Granularity;
import org.sparkao.quant.scheme.StorageFormat;

/** Which group of scales a column belongs to, and the tensor that tells loaders so. */
public final class ColumnGroups {
  /** The part that holds the group of each column, int32 [K]. */
  public static final String SUFFIX = "weight_g_idx";

  private ColumnGroups() {}

  /**
   * Whether loaders are told the group of each column: for packed integers of compressed-tensors
   * with scales by group, when groups follow the order of GPTQ.
   */
  public static boolean stored(QuantizeRequest request, ActOrder order) {
    return order == ActOrder.GROUP
        && request.layout() == CheckpointLayout.COMPRESSED_TENSORS
        && request.scheme().format() == StorageFormat.PACK_QUANTIZED
        && request.scheme().weights().granularity() instanceof Granularity.PerGroup;
  }

  /** The tensors that a weight becomes under GPTQ. */
  public static List<PackedPart> parts(QuantizeRequest request, ActOrder order) {
    List<PackedPart> parts = new ArrayList<>(Quantizers.parts(request));
    if (stored(request, order)) {
      parts.add(part(request.weight().columns()));
    }
    return List.copyOf(parts);
  }

  static PackedPart part(long columns) {
    return new PackedPart(
        SUFFIX, DType.I32, List.of(columns), Integer.MAX_VALUE, DType.I32.bytes(columns));
  }

  /** The group of each column: by its place in {@code order}, or by its own. */
  static int[] of(int[] order, int groupColumns, boolean byOrder) {
    int[] groups = new int[order.length];
    for (int place = 0; place < order.length; place++) {
      groups[order[place]] = (byOrder ? place : order[place]) / groupColumns;
    }
    return groups;
  }
}
