package org.sparkao.jobs.quantize.plan;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.sparkao.jobs.quantize.plan.TensorTask.Quantize;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.algorithm.WeightAlgorithm;
import org.sparkao.quant.checkpoint.Checkpoint;

/**
 * Which layers are smoothed, and by what: as llm-compressor maps the Llama family ({@code
 * modifiers/transform/awq/mappings.py}, {@code smoothquant/utils.py}).
 */
final class SmoothingPairs {
  /** Families with plain RMS norms, whose weight is a factor of all that follows. */
  private static final Set<String> FAMILIES = Set.of("llama", "mistral", "qwen2", "qwen3");

  private static final String QUERY = ".self_attn.q_proj";

  private final Checkpoint checkpoint;
  private final Arithmetic arithmetic;
  private final Map<String, Quantize> quantized = new LinkedHashMap<>();

  SmoothingPairs(Checkpoint checkpoint, Arithmetic arithmetic, List<TensorTask> tasks) {
    this.checkpoint = checkpoint;
    this.arithmetic = arithmetic;
    for (TensorTask task : tasks) {
      if (task instanceof Quantize weight) {
        quantized.put(weight.module(), weight);
      }
    }
  }

  private boolean wanted() {
    return arithmetic.algorithm() == WeightAlgorithm.AWQ
        || arithmetic.algorithm() == WeightAlgorithm.SMOOTHQUANT;
  }

  /**
   * All pairs, in the order of the layers.
   *
   * @param family {@code model_type} of {@code config.json}
   */
  List<SmoothedPair> find(Optional<String> family) {
    if (!wanted()) {
      return List.of();
    }
    if (family.filter(FAMILIES::contains).isEmpty()) {
      throw new QuantException(
          checkpoint.location()
              + "/config.json: model_type "
              + family.orElse("is missing")
              + ": algorithm "
              + arithmetic.algorithm().configName()
              + " knows the norms of "
              + String.join(", ", FAMILIES.stream().sorted().toList())
              + "; use --algorithm gptq or imatrix");
    }
    quantized.values().forEach(this::requirePlainScales);
    List<SmoothedPair> pairs = new ArrayList<>();
    for (String module : quantized.keySet()) {
      if (module.endsWith(QUERY)) {
        addBlock(module.substring(0, module.length() - QUERY.length()), pairs);
      }
    }
    if (pairs.isEmpty()) {
      throw new QuantException(
          checkpoint.location()
              + ": no norm is followed by quantized layers that could take its scales over; use"
              + " --algorithm gptq or imatrix, or skip less");
    }
    return pairs;
  }

  private void requirePlainScales(Quantize weight) {
    if (arithmetic.request(weight).scheme().needsTensorRange()) {
      throw new QuantException(
          weight.module()
              + ": scheme "
              + weight.scheme()
              + " has one scale for a whole tensor, which is taken before weights are smoothed;"
              + " with --algorithm "
              + arithmetic.algorithm().configName()
              + " use a scheme with scales by row, group or block");
    }
  }

  private void addBlock(String block, List<SmoothedPair> pairs) {
    String attention = block + ".self_attn";
    String feedForward = block + ".mlp";
    addPair(
        attention,
        block + ".input_layernorm",
        List.of(attention + ".q_proj", attention + ".k_proj", attention + ".v_proj"),
        pairs);
    addPair(
        feedForward,
        block + ".post_attention_layernorm",
        List.of(feedForward + ".gate_proj", feedForward + ".up_proj"),
        pairs);
    if (arithmetic.algorithm() == WeightAlgorithm.AWQ) {
      addRows(attention, attention + ".v_proj", attention + ".o_proj", pairs);
      addRows(feedForward, feedForward + ".up_proj", feedForward + ".down_proj", pairs);
    }
  }

  private void addPair(
      String unit, String previous, List<String> balanced, List<SmoothedPair> pairs) {
    List<Quantize> weights = balanced.stream().map(quantized::get).toList();
    if (checkpoint.tensor(previous + ".weight").isPresent()
        && weights.stream().allMatch(Objects::nonNull)) {
      pairs.add(new SmoothedPair(unit, previous, weights));
    }
  }

  /** Rows of one are columns of the other, one to one, and nothing is added to them. */
  private void addRows(String unit, String previous, String next, List<SmoothedPair> pairs) {
    Quantize rows = quantized.get(previous);
    Quantize columns = quantized.get(next);
    if (rows != null
        && columns != null
        && rows.weight().rows() == columns.weight().columns()
        && checkpoint.tensor(previous + ".bias").isEmpty()) {
      pairs.add(new SmoothedPair(unit, previous, List.of(columns)));
    }
  }
}
