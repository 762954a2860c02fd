package org.sparkao.quant.observe;

import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What was seen in one block of a model.
 *
 * @param inputs by the module that is named for its input: the first of those that read it
 * @param cache where it was asked for
 */
public record BlockSums(Map<String, InputSums> inputs, Optional<CacheSums> cache) {
  /** Sorts the inputs by name. */
  public BlockSums {
    inputs = new TreeMap<>(inputs);
  }

  /** The sums of both, in the arrays of this; {@code right} comes later in the fixed order. */
  public BlockSums merge(BlockSums right) {
    Map<String, InputSums> merged = new TreeMap<>();
    inputs.forEach((name, sums) -> merged.put(name, sums.merge(right.inputs.get(name))));
    return new BlockSums(merged, cache.map(sums -> sums.merge(right.cache.orElseThrow())));
  }
}
