package org.sparkao.quant.scheme;

/** Which elements of a tensor share one scale, as a map from tensor shape to scale shape. */
public sealed interface Granularity {

  /** The name in a compressed-tensors {@code quantization_config}, field {@code strategy}. */
  String strategy();

  /** One scale: [N, K] to [1]. */
  record PerTensor() implements Granularity {
    @Override
    public String strategy() {
      return "tensor";
    }
  }

  /** One scale an output row (a channel of the linear layer): [N, K] to [N, 1]. */
  record PerRow() implements Granularity {
    @Override
    public String strategy() {
      return "channel";
    }
  }

  /** One scale a token, activations only: [M, K] to [M, 1]. */
  record PerToken() implements Granularity {
    @Override
    public String strategy() {
      return "token";
    }
  }

  /**
   * One scale for {@code size} consecutive elements along the contiguous axis: [N, K] to [N, K /
   * size].
   */
  record PerGroup(int size) implements Granularity {
    /** A size of at least one. */
    public PerGroup {
      if (size < 1) {
        throw new IllegalArgumentException("group size " + size);
      }
    }

    @Override
    public String strategy() {
      return "group";
    }
  }

  /** One scale a block of rows x columns: [N, K] to [ceil(N / rows), ceil(K / columns)]. */
  record PerBlock(int rows, int columns) implements Granularity {
    /** Sides of at least one. */
    public PerBlock {
      if (rows < 1 || columns < 1) {
        throw new IllegalArgumentException("block " + rows + "x" + columns);
      }
    }

    @Override
    public String strategy() {
      return "block";
    }
  }
}
