package org.sparkao.gpu.train;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.sparkao.gpu.model.ModelConfig;
import org.sparkao.gpu.tensor.Tensor;

/**
 * What a block computes in, for the most tokens of a batch. A forward pass leaves there what the
 * backward pass of the same block reads. All blocks of a model share gradients, and the rest too
 * where it is not kept.
 */
final class BlockMemory {
  private final Map<Use, Tensor> all = new EnumMap<>(Use.class);
  private final Map<Use, Tensor> current = new EnumMap<>(Use.class);
  private final boolean kept;

  /** What stands in a tensor [tokens, columns]; D_X is the gradient of X. */
  enum Use {
    /** The block's input, normed. */
    NORMED,
    /** q, k and v as projected. */
    RAW,
    /** q, k and v as attention reads them. */
    QKV,
    /** What attention gives. */
    ATTENDED,
    /** The logarithms of its sums. */
    LOG_SUMS,
    /** The residual stream behind attention. */
    MIDDLE,
    /** The same, normed. */
    NORMED_MIDDLE,
    /** Gate and up. */
    GATE_UP,
    /** Gated. */
    INNER,
    /** Gradient of either input of a first projection. */
    D_NORMED,
    /** Gradient of RAW and QKV. */
    D_QKV,
    /** Gradient of ATTENDED. */
    D_ATTENDED,
    /** Gradient of GATE_UP. */
    D_GATE_UP,
    /** Gradient of INNER. */
    D_INNER;

    int columns(ModelConfig config) {
      return switch (this) {
        case NORMED, MIDDLE, NORMED_MIDDLE, D_NORMED -> config.sizes().hidden();
        case RAW, QKV, D_QKV -> config.heads().rowElements();
        case ATTENDED, D_ATTENDED -> config.heads().queryElements();
        case LOG_SUMS -> config.heads().queryHeads();
        case GATE_UP, D_GATE_UP -> 2 * config.sizes().intermediate();
        case INNER, D_INNER -> config.sizes().intermediate();
      };
    }

    /** Whether a backward pass alone uses it. */
    boolean isGradient() {
      return ordinal() >= D_NORMED.ordinal();
    }

    /** Gradients are not taken where there is no backward pass. */
    boolean isTaken(ModelSetup setup) {
      return setup.hasGradients() || !isGradient();
    }
  }

  private BlockMemory(boolean kept) {
    this.kept = kept;
  }

  /** Takes memory that is closed with the loader's. */
  private void take(WeightLoader loader, ModelConfig config, Use use) {
    int tokens = loader.setup().tokens();
    int columns = use.columns(config);
    all.put(
        use,
        use == Use.LOG_SUMS ? loader.take(tokens, columns) : loader.takeStates(tokens, columns));
  }

  /** Of a block that is alone: nobody overwrites what it leaves. */
  static BlockMemory ofOne(WeightLoader loader, ModelConfig config) {
    BlockMemory memory = new BlockMemory(true);
    for (Use use : Use.values()) {
      if (use.isTaken(loader.setup())) {
        memory.take(loader, config, use);
      }
    }
    return memory;
  }

  /** Of all blocks of a model, as its setup says; closed with the loader's. */
  static List<BlockMemory> ofAll(WeightLoader loader, ModelConfig config) {
    int layers = config.sizes().layers();
    int several = loader.setup().blocksWithActivations(layers);
    BlockMemory first = ofOne(loader, config);
    List<BlockMemory> memories = new ArrayList<>();
    for (int i = 0; i < several; i++) {
      BlockMemory memory = new BlockMemory(several == layers);
      memory.all.putAll(first.all);
      for (Use use : Use.values()) {
        if (i > 0 && !use.isGradient()) {
          memory.take(loader, config, use);
        }
      }
      memories.add(memory);
    }
    return memories;
  }

  /** Whether what a forward pass left is there when the backward pass begins. */
  boolean isKept() {
    return kept;
  }

  /** Says how many tokens the next batch has. */
  void begin(int tokens) {
    all.forEach((use, tensor) -> current.put(use, tensor.slice(0, tokens)));
  }

  /** [tokens of the batch, columns]. */
  Tensor get(Use use) {
    return current.get(use);
  }
}
