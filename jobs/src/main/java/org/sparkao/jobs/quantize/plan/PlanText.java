package org.sparkao.jobs.quantize.plan;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.sparkao.jobs.config.ByteSize;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.prune.Sparsity;

/** A plan as its user reads it: layers that differ in numbers only are one line. */
public final class PlanText {
  private PlanText() {}

  /** Several lines, each with its end. */
  public static String of(QuantizePlan plan, Recipe recipe, Checkpoint source) {
    Map<String, List<TensorTask>> alike = new LinkedHashMap<>();
    for (ShardTask shard : plan.shards()) {
      for (TensorTask task : shard.tensors()) {
        String key =
            NameRanges.shape(name(task)) + "\t" + shape(task) + "\t" + treatment(task, recipe);
        alike.computeIfAbsent(key, k -> new ArrayList<>()).add(task);
      }
    }
    StringBuilder text = new StringBuilder();
    QuantizePlan.Totals totals = plan.totals();
    text.append(
        String.format(
            Locale.ROOT,
            "%s: %d tensors in %d files, %s%n",
            source.location(),
            source.tensors().size(),
            source.shards().size(),
            ByteSize.format(source.totalBytes())));
    alike.forEach((key, tasks) -> text.append(line(tasks, recipe)));
    long pruned =
        alike.values().stream()
            .flatMap(List::stream)
            .filter(TensorTask.Prune.class::isInstance)
            .count();
    text.append(
        String.format(
            Locale.ROOT,
            "%d of %d tensors are %s; %s become %s in %d files (%.1f%%)%n",
            totals.quantized() + pruned,
            totals.tensors(),
            pruned == 0 ? "quantized" : totals.quantized() == 0 ? "pruned" : "pruned or quantized",
            ByteSize.format(totals.sourceBytes()),
            ByteSize.format(totals.outputBytes()),
            plan.shards().size(),
            100.0 * totals.outputBytes() / Math.max(1, totals.sourceBytes())));
    return text.toString();
  }

  private static String line(List<TensorTask> tasks, Recipe recipe) {
    TensorTask first = tasks.get(0);
    String names =
        tasks.size() == 1
            ? name(first)
            : NameRanges.of(tasks.stream().map(PlanText::name).toList());
    if (names.length() > 200) {
      names = NameRanges.shape(name(first));
    }
    return String.format(
        Locale.ROOT,
        "  %6dx %-60s %-22s %s%n",
        tasks.size(),
        names,
        shape(first),
        treatment(first, recipe));
  }

  private static String name(TensorTask task) {
    return task instanceof TensorTask.Copy copy ? copy.tensor().entry().name() : task.module();
  }

  private static String shape(TensorTask task) {
    if (task instanceof TensorTask.Copy copy) {
      return copy.tensor().entry().dtype() + " " + copy.tensor().entry().shape();
    }
    var weight =
        task instanceof TensorTask.Layer layer
            ? layer.weight()
            : ((TensorTask.Unpack) task).weight();
    return task.tensor().entry().dtype() + " [" + weight.rows() + ", " + weight.columns() + "]";
  }

  private static String treatment(TensorTask task, Recipe recipe) {
    Sparsity sparsity = recipe.arithmetic().sparsity();
    if (task instanceof TensorTask.Quantize quantize) {
      Optional<Rule> rule = recipe.rule(quantize.module());
      String zeros = sparsity.none() ? "" : ", zeros " + sparsity.text();
      return quantize.scheme() + zeros + rule.map(r -> "  (rule " + r.text() + ")").orElse("");
    }
    if (task instanceof TensorTask.Prune) {
      return "zeros " + sparsity.text();
    }
    return task instanceof TensorTask.Copy copy
        ? "copied: " + copy.reason()
        : "unpacked: " + ((TensorTask.Unpack) task).reason();
  }
}
