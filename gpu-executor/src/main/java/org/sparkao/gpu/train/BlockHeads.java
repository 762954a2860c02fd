package org.sparkao.gpu.train;

import java.util.Optional;
import org.sparkao.gpu.model.ModelConfig;
import org.sparkao.gpu.model.RotaryTables;

/** Angles of all positions. */
final class BlockHeads {
  private BlockHeads() {}

  /** Heads without norms, with angles up to the longest sequence; closed with the loader. */
  static Heads of(WeightLoader loader, ModelConfig config) {
    RotaryTables rotation =
        loader.keep(
            RotaryTables.load(
                loader.operators().device(),
                config.rope(),
                config.heads().dimension(),
                Math.min(config.sizes().context(), loader.setup().longest())));
    return new Heads(config.heads(), rotation.table(), Optional.empty());
  }
}
