package org.sparkao.gpu.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.OptionalInt;

/**
 * What the linear layers of a block read, as its headers say.
 *
 * @param block its name, such as {@code model.layers.0}
 * @param inputs in the order in which they are read; of experts by their numbers
 */
public record BlockInputs(String block, List<Input> inputs) {
  /** Freezes the list. */
  public BlockInputs {
    Objects.requireNonNull(block, "block");
    inputs = List.copyOf(inputs);
  }

  /**
   * An input of linear layers.
   *
   * @param name of the first of the modules
   * @param columns channels, K
   * @param modules that read it
   * @param expert that they belong to
   */
  public record Input(String name, int columns, List<String> modules, OptionalInt expert) {
    /** Freezes the list. */
    public Input {
      modules = List.copyOf(modules);
    }

    static Input of(OptionalInt expert, LinearWeight... weights) {
      List<String> modules = Arrays.stream(weights).map(LinearWeight::name).toList();
      return new Input(modules.get(0), weights[0].k(), modules, expert);
    }
  }

  /**
   * The inputs by the parts of the block that read them, in the order in which parts run: q, k and
   * v; the projection back; gate and up, then down, or all of a mixture.
   */
  public List<List<Input>> parts() {
    List<List<Input>> parts = new ArrayList<>();
    int single = experts() == 0 ? inputs.size() : 2;
    inputs.subList(0, single).forEach(input -> parts.add(List.of(input)));
    if (experts() > 0) {
      parts.add(inputs.subList(single, inputs.size()));
    }
    return parts;
  }

  /** Experts of the block; 0 where it is none of experts. */
  public int experts() {
    return inputs.stream().mapToInt(input -> input.expert().orElse(-1) + 1).max().orElse(0);
  }

  static BlockInputs of(LayerWeights layer) {
    List<Input> inputs = new ArrayList<>();
    OptionalInt none = OptionalInt.empty();
    inputs.add(Input.of(none, layer.qkv().toArray(LinearWeight[]::new)));
    inputs.add(Input.of(none, layer.output()));
    if (layer.feedForward() instanceof LayerWeights.Dense dense) {
      inputs.add(Input.of(none, dense.gate(), dense.up()));
      inputs.add(Input.of(none, dense.down()));
    } else if (layer.feedForward() instanceof LayerWeights.Routed routed) {
      inputs.add(Input.of(none, routed.router()));
      for (int i = 0; i < routed.experts().size(); i++) {
        Mixture.Expert expert = routed.experts().get(i);
        inputs.add(Input.of(OptionalInt.of(i), expert.gate(), expert.up()));
        inputs.add(Input.of(OptionalInt.of(i), expert.down()));
      }
    }
    return new BlockInputs(layer.name(), inputs);
  }
}
