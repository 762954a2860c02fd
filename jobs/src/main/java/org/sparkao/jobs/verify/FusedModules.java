package org.sparkao.jobs.verify;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sparkao.jobs.quantize.plan.LinearModules;
import org.sparkao.jobs.verify.CheckpointView.Assigned;

/** Which modules loaders fuse into one, and how they split them over devices. */
final class FusedModules {
  private static final List<String> COLUMN_PARALLEL =
      List.of(
          "q_proj",
          "k_proj",
          "v_proj",
          "qkv_proj",
          "gate_proj",
          "up_proj",
          "gate_up_proj",
          "w1",
          "w3",
          "fc1",
          "c_fc",
          "q_b_proj",
          "kv_b_proj");
  private static final List<String> ROW_PARALLEL =
      List.of("o_proj", "out_proj", "down_proj", "w2", "fc2", "c_proj", "dense_4h_to_h");

  private FusedModules() {}

  /** The quantized modules that share a fused module, at least two a list. */
  static List<List<Assigned>> siblings(List<Assigned> modules) {
    Map<String, List<Assigned>> byFused = new LinkedHashMap<>();
    for (Assigned assigned : modules) {
      LinearModules.fusedGroup(assigned.module().name())
          .ifPresent(group -> byFused.computeIfAbsent(group, g -> new ArrayList<>()).add(assigned));
    }
    return byFused.values().stream().filter(list -> list.size() > 1).toList();
  }

  /** Whether the loader makes the module a part of a fused one. */
  static boolean fused(ModuleTensors module) {
    return LinearModules.fusedGroup(module.name()).isPresent();
  }

  /** Whether devices take shares of the module's rows. */
  static boolean columnParallel(ModuleTensors module) {
    return COLUMN_PARALLEL.contains(module.leaf());
  }

  /** Whether devices take shares of the module's columns. */
  static boolean rowParallel(ModuleTensors module) {
    return ROW_PARALLEL.contains(module.leaf());
  }
}
