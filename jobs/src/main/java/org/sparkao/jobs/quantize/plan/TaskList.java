package org.sparkao.jobs.quantize.plan;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.sparkao.jobs.quantize.plan.TensorTask.Copy;
import org.sparkao.jobs.quantize.plan.TensorTask.Prune;
import org.sparkao.jobs.quantize.plan.TensorTask.Quantize;
import org.sparkao.jobs.quantize.plan.TensorTask.Unpack;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.CheckpointTensor;
import org.sparkao.quant.checkpoint.StoredForm;
import org.sparkao.quant.checkpoint.TorchaoTensors;
import org.sparkao.quant.checkpoint.WeightSource;
import org.sparkao.quant.checkpoint.WeightSources;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.QuantScheme;

/** Decides for every tensor of a checkpoint what becomes of it, in the order of the checkpoint. */
final class TaskList {
  private final Checkpoint checkpoint;
  private final Recipe recipe;
  private final WeightSources sources;
  private final FusedExperts fused;
  private final Set<String> consumed;
  private final boolean diffusers;
  private final List<TensorTask> tasks = new ArrayList<>();
  private final Map<String, QuantScheme> schemes = new LinkedHashMap<>();
  private final List<String> ignored = new ArrayList<>();

  TaskList(Checkpoint checkpoint, Recipe recipe) {
    this.checkpoint = checkpoint;
    this.recipe = recipe;
    this.sources = new WeightSources(checkpoint);
    this.fused = new FusedExperts(checkpoint, sources);
    this.consumed = scales(checkpoint);
    this.diffusers = checkpoint.config().filter(config -> config.has("_class_name")).isPresent();
    checkpoint.tensors().stream()
        .filter(tensor -> !consumed.contains(tensor.entry().name()))
        .forEach(this::decide);
    if (checkpoint.config().isPresent() && !diffusers && !mentioned("lm_head")) {
      ignored.add("lm_head");
    }
  }

  /** What becomes of each tensor. */
  List<TensorTask> tasks() {
    return tasks;
  }

  /** Scheme of each quantized module. */
  Map<String, QuantScheme> schemes() {
    return schemes;
  }

  /** Linear modules that stay as they are. */
  List<String> ignored() {
    return ignored;
  }

  private boolean mentioned(String last) {
    return ignored.stream().anyMatch(module -> module.endsWith(last))
        || schemes.keySet().stream().anyMatch(module -> module.endsWith(last));
  }

  /** Scales of the source's own quantization: read with their weight, never copied. */
  private static Set<String> scales(Checkpoint checkpoint) {
    Set<String> names = new HashSet<>();
    for (CheckpointTensor tensor : checkpoint.tensors()) {
      String name = tensor.entry().name();
      if (TorchaoTensors.belongsToCodes(name)) {
        names.add(name);
      } else if (tensor.entry().dtype() == DType.F8_E4M3) {
        names.add(name + "_scale_inv");
        names.add(name + "_scale");
        names.add(LinearModules.module(name) + ".input_scale");
      }
    }
    return names;
  }

  private void decide(CheckpointTensor tensor) {
    if (FusedExperts.holds(tensor)) {
      decideExperts(tensor);
      return;
    }
    String name = TorchaoTensors.weightName(tensor.entry().name());
    String module = LinearModules.module(name);
    LinearModules.Kind kind = kind(name, module, tensor);
    Optional<Rule> rule = kind.linear() ? recipe.rule(module) : Optional.empty();
    if (kind == LinearModules.Kind.LINEAR || rule.isPresent()) {
      if (skipped(rule)) {
        ignored.add(module);
        keep(tensor, module, skipReason(rule.orElseThrow()));
      } else {
        change(module, sources.weight(name), scheme(rule));
      }
      return;
    }
    if (kind.linear()) {
      ignored.add(module);
    }
    String unspelled =
        kind.guarded()
            ? recipe.unspelled(module).map(word -> ", and no rule spells " + word).orElse("")
            : "";
    keep(tensor, module, kind.reason() + unspelled);
  }

  /** Models of diffusers call linear layers embedders, too; tables of embeddings have no bias. */
  private LinearModules.Kind kind(String name, String module, CheckpointTensor tensor) {
    int dimensions = tensor.entry().shape().size();
    LinearModules.Kind kind = LinearModules.kind(name, dimensions);
    boolean embedder =
        diffusers
            && kind == LinearModules.Kind.EMBEDDING
            && dimensions == 2
            && checkpoint.tensor(module + ".bias").isPresent();
    return embedder ? LinearModules.Kind.LINEAR : kind;
  }

  private static boolean skipped(Optional<Rule> rule) {
    return rule.isPresent() && rule.orElseThrow().scheme().isEmpty();
  }

  private Optional<QuantScheme> scheme(Optional<Rule> rule) {
    return rule.isPresent() ? rule.orElseThrow().scheme() : recipe.scheme();
  }

  private static String skipReason(Rule rule) {
    return "skipped by " + rule.text();
  }

  private void decideExperts(CheckpointTensor tensor) {
    String prefix = FusedExperts.prefix(tensor);
    Optional<Rule> whole = recipe.rule(prefix);
    if (skipped(whole)) {
      if (!ignored.contains(prefix)) {
        ignored.add(prefix);
      }
      keep(tensor, prefix, skipReason(whole.orElseThrow()));
      return;
    }
    for (FusedExperts.Expert expert : fused.experts(tensor)) {
      Optional<Rule> rule = recipe.rule(expert.module());
      if (skipped(rule)) {
        ignored.add(expert.module());
        tasks.add(new Unpack(expert.weight(), expert.module(), skipReason(rule.orElseThrow())));
      } else {
        change(expert.module(), expert.weight(), scheme(rule));
      }
    }
  }

  /** Without a scheme it is pruned, and stays a weight. */
  private void change(String module, WeightSource weight, Optional<QuantScheme> scheme) {
    if (scheme.isPresent()) {
      schemes.put(module, scheme.orElseThrow());
      tasks.add(new Quantize(weight, module, scheme.orElseThrow().name()));
    } else {
      ignored.add(module);
      tasks.add(new Prune(weight, module));
    }
  }

  private void keep(CheckpointTensor tensor, String module, String reason) {
    String stored = tensor.entry().name();
    String name = TorchaoTensors.weightName(stored);
    boolean scaled =
        !name.equals(stored)
            || tensor.entry().dtype() == DType.F8_E4M3
                && tensor.entry().shape().size() == 2
                && name.endsWith(".weight")
                && sources.weight(name).form() instanceof StoredForm.Scaled;
    tasks.add(
        scaled
            ? new Unpack(sources.weight(name), module, reason)
            : new Copy(tensor, Copy.Origin.CHECKPOINT, module, reason));
  }
}
