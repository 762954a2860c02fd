package org.sparkao.jobs.quantize.plan;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.sparkao.jobs.quantize.plan.TensorTask.Quantize;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.scheme.QuantScheme;
import org.sparkao.quant.scheme.Schemes;

/**
 * {@code quant_method: torchao}, as {@code TorchAoConfig} of transformers and diffusers writes it:
 * the configuration in {@code config.json}, each tensor's class in the header of its file.
 *
 * <p>Source: transformers 5.23 and diffusers 0.42, {@code TorchAoConfig}; torchao 0.18, {@code
 * prototype/safetensors/safetensors_support.py}.
 */
final class TorchaoOutput implements OutputLayout {
  private static final String DEFAULT = "_default";

  @Override
  public Map<String, Object> config(Decisions decisions) {
    requireNoHead(decisions.schemes().keySet());
    Map<String, Object> config = new TreeMap<>();
    if (!Diffusers.holds(decisions.config())) {
      config.put("include_input_output_embeddings", false);
      config.put("untie_embedding_weights", false);
    }
    boolean onlyHeads = decisions.ignored().stream().allMatch(LinearModules::head);
    config.put("modules_to_not_convert", onlyHeads ? null : decisions.ignored());
    config.put("quant_method", "torchao");
    Set<QuantScheme> schemes = Set.copyOf(decisions.schemes().values());
    config.put(
        "quant_type",
        Map.of(
            "default",
            schemes.size() == 1
                ? TorchaoConfigs.of(schemes.iterator().next())
                : modules(decisions)));
    return config;
  }

  /** Source: transformers {@code quantizer_torchao.py}: output embeddings are not converted. */
  private static void requireNoHead(Set<String> modules) {
    modules.stream()
        .filter(LinearModules::head)
        .findFirst()
        .ifPresent(
            head -> {
              throw new QuantException(
                  head
                      + ": transformers leaves output heads as they are in checkpoints of layout"
                      + " torchao; leave it to --skip, or use --layout compressed-tensors");
            });
  }

  /** Rules as expressions where they say the same there, else the names of their modules. */
  private static Map<String, Object> modules(Decisions decisions) {
    Map<String, Object> configs = new TreeMap<>();
    for (Rule rule : decisions.recipe().rules()) {
      List<String> own =
          decisions.schemes().keySet().stream()
              .filter(module -> decisions.recipe().rule(module).filter(rule::equals).isPresent())
              .toList();
      if (own.isEmpty()) {
        continue;
      }
      Map<String, Object> config = TorchaoConfigs.of(rule.scheme().orElseThrow());
      String whole = whole(rule.pattern().pattern());
      Predicate<String> matches = Pattern.compile(whole).asMatchPredicate();
      Set<String> all = new TreeSet<>(decisions.schemes().keySet());
      all.addAll(decisions.ignored());
      if (all.stream().filter(matches).collect(Collectors.toSet()).equals(Set.copyOf(own))) {
        configs.put("re:" + whole, config);
      } else {
        own.forEach(module -> configs.put(module, config));
      }
    }
    decisions
        .recipe()
        .scheme()
        .ifPresent(scheme -> configs.put(DEFAULT, TorchaoConfigs.of(scheme)));
    return TorchaoConfigs.ofModules(configs);
  }

  /** An expression for the whole name that matches where {@code regex} is found. */
  private static String whole(String regex) {
    boolean alternatives = regex.indexOf('|') >= 0;
    String one = alternatives ? "(?:" + regex + ")" : regex;
    return (one.startsWith("^") || one.startsWith(".*") ? "" : ".*")
        + one
        + (one.endsWith("$") || one.endsWith(".*") ? "" : ".*");
  }

  @Override
  public String tensorNames(List<TensorTask> tasks) {
    List<String> names = new ArrayList<>();
    for (TensorTask task : tasks) {
      names.add(name(task));
    }
    return ModelOrder.sorted(names).stream()
        .map(TorchaoConfigs::quoted)
        .collect(Collectors.joining(", ", "[", "]"));
  }

  private static String name(TensorTask task) {
    return task instanceof TensorTask.Copy copy
        ? copy.tensor().entry().name()
        : task.module() + ".weight";
  }

  @Override
  public Map<String, String> metadata(ShardTask shard, Arithmetic arithmetic) {
    Map<String, String> metadata = new TreeMap<>();
    metadata.put("format", "pt");
    metadata.put("tensor_names", shard.tensorNames());
    for (TensorTask task : shard.tensors()) {
      Optional<Quantize> weight =
          Optional.of(task).filter(Quantize.class::isInstance).map(Quantize.class::cast);
      metadata.put(
          name(task),
          weight
              .map(quantize -> TorchaoConfigs.tensor(quantize, Schemes.parse(quantize.scheme())))
              .orElse("{\"_type\": \"Tensor\"}"));
    }
    return metadata;
  }
}
