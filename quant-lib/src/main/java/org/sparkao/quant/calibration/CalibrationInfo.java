package org.sparkao.quant.calibration;

import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * What {@code calibration.json} says.
 *
 * @param checkpoint the model that was run
 * @param data the text that it read
 * @param samples sequences
 * @param sequenceLength tokens of each
 * @param groups parts in whose order sums are made
 * @param numerics how it was computed
 * @param options what was asked for, by name
 * @param blocks in order
 */
public record CalibrationInfo(
    Origin checkpoint,
    Origin data,
    long samples,
    long sequenceLength,
    int groups,
    String numerics,
    Map<String, String> options,
    List<Block> blocks) {
  /** Whether cross products were summed: true or false. */
  public static final String HESSIAN = "hessian";

  /** Whether keys and values were looked at: true or false. */
  public static final String KV_CACHE = "kv-cache";

  /** How the model was quantized on the way; absent where it was run as it is. */
  public static final String SEQUENTIAL = "sequential";

  /** Freezes the collections. */
  public CalibrationInfo {
    Objects.requireNonNull(checkpoint, "checkpoint");
    Objects.requireNonNull(data, "data");
    Objects.requireNonNull(numerics, "numerics");
    options = Map.copyOf(options);
    blocks = List.copyOf(blocks);
  }

  /**
   * Where something came from.
   *
   * @param location as it was named
   * @param sha256 of its content
   */
  public record Origin(String location, String sha256) {}

  /**
   * A block.
   *
   * @param name such as {@code model.layers.0}
   * @param file in the folder
   * @param sha256 of its tensors, see the package
   * @param inputs of its linear layers
   */
  public record Block(String name, String file, String sha256, List<Input> inputs) {
    /** Freezes the list. */
    public Block {
      inputs = List.copyOf(inputs);
    }
  }

  /**
   * An input of linear layers.
   *
   * @param name of the first of the modules
   * @param columns channels, K
   * @param modules that read it
   */
  public record Input(String name, int columns, List<String> modules) {
    /** Freezes the list. */
    public Input {
      modules = List.copyOf(modules);
    }
  }

  /** All tokens. */
  public long tokens() {
    return samples * sequenceLength;
  }

  /** Whether an option was given as true. */
  public boolean has(String option) {
    return "true".equals(options.get(option));
  }
}
