package org.sparkao.jobs.verify;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.sparkao.jobs.quantize.plan.LinearModules;
import org.sparkao.quant.config.NamedModule;
import org.sparkao.quant.safetensors.DType;

/**
 * The tensors that one module owns.
 *
 * @param name the module, such as {@code model.layers.0.mlp.up_proj}
 * @param tensors by suffix: {@code weight}, {@code weight_scale}
 */
record ModuleTensors(String name, SortedMap<String, StoredTensor> tensors) implements NamedModule {
  private static final Set<String> MARKS =
      Set.of(
          "weight_packed",
          "weight_scale",
          "weight_scale_inv",
          "weight_scale_2",
          "weight_shape",
          "weight_zero_point",
          "weight_global_scale",
          "weight_g_idx",
          "_weight_qdata",
          "_weight_scale",
          "_weight_zero_point",
          "input_scale",
          "input_zero_point",
          "input_global_scale");
  private static final Set<DType> CODES =
      Set.of(DType.F8_E4M3, DType.F8_E5M2, DType.I8, DType.U8, DType.I32);
  private static final Set<DType> FLOATS = Set.of(DType.BF16, DType.F16, DType.F32, DType.F64);

  ModuleTensors {
    tensors = Collections.unmodifiableSortedMap(new TreeMap<>(tensors));
  }

  /** The modules of a checkpoint, by name. */
  static List<ModuleTensors> of(List<StoredTensor> tensors) {
    Map<String, SortedMap<String, StoredTensor>> bySuffix = new TreeMap<>();
    for (StoredTensor tensor : tensors) {
      bySuffix
          .computeIfAbsent(tensor.module(), name -> new TreeMap<>())
          .put(tensor.suffix(), tensor);
    }
    List<ModuleTensors> modules = new ArrayList<>();
    bySuffix.forEach((name, owned) -> modules.add(new ModuleTensors(name, owned)));
    return modules;
  }

  /** The tensor with that suffix. */
  Optional<StoredTensor> tensor(String suffix) {
    return Optional.ofNullable(tensors.get(suffix));
  }

  /** Whether anything here is the work of a quantizer. */
  boolean quantized() {
    return tensors.keySet().stream().anyMatch(MARKS::contains)
        || tensor("weight").filter(weight -> CODES.contains(weight.dtype())).isPresent();
  }

  /** Whether this is a Linear that was left alone. Names are all there is to tell. */
  boolean plainLinear() {
    return !quantized()
        && tensor("weight")
            .filter(weight -> FLOATS.contains(weight.dtype()))
            .map(weight -> kind(weight.shape().size()))
            .filter(kind -> kind.linear() && kind != LinearModules.Kind.STACKED)
            .isPresent();
  }

  /** Whether the name is one that embeddings have. */
  @Override
  public boolean embedding() {
    return kind(2) == LinearModules.Kind.EMBEDDING;
  }

  private LinearModules.Kind kind(int dimensions) {
    return LinearModules.kind(name + ".weight", dimensions);
  }

  /** The last part of the name: {@code up_proj}. */
  String leaf() {
    return name.substring(name.lastIndexOf('.') + 1);
  }

  /** The name without its last part. */
  String parent() {
    return name.substring(0, Math.max(0, name.lastIndexOf('.')));
  }
}
