package org.sparkao.quant.config;

import java.util.List;
import java.util.Optional;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.QuantArgs;
import org.sparkao.quant.scheme.StorageFormat;

/**
 * What {@code config.json} says about a set of modules.
 *
 * @param name its key, such as {@code group_0}
 * @param targets which modules
 * @param weights how their weights are stored
 * @param activations how their inputs are quantized
 * @param format how the codes lie
 * @param layout whose names the tensors have
 * @param columnOrder whether columns were permuted, so that {@code weight_g_idx} is stored
 */
public record QuantizedGroup(
    String name,
    List<ModulePattern> targets,
    QuantArgs weights,
    Optional<QuantArgs> activations,
    StorageFormat format,
    CheckpointLayout layout,
    ColumnOrder columnOrder) {

  /** Whether groups follow the columns. */
  public enum ColumnOrder {
    NATURAL,
    /** {@code weight_g_idx} [K] says which group a column belongs to. */
    PERMUTED
  }

  /** Takes a copy of the list. */
  public QuantizedGroup {
    targets = List.copyOf(targets);
  }
}
