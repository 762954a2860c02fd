package org.sparkao.gpu.model;

import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.layer.PrefillAttention;
import org.sparkao.gpu.model.ModelOperators.EmbeddingTable;
import org.sparkao.gpu.model.ModelOperators.Places;
import org.sparkao.gpu.model.ModelOperators.RotaryTable;

/** Puts packed sequences into the memory of a pass. */
final class PrefillPass {
  private PrefillPass() {}

  /** Writes where tokens belong. */
  static Pass begin(PackedTokens tokens, PassMemory memory, RotaryTable rotation) {
    DeviceInts.write(memory.positions(), tokens.positions());
    DeviceInts.write(memory.places(), tokens.places());
    DeviceInts.write(memory.boundaries(), tokens.boundaries());
    Optional<Buffer> prefixes = Optional.empty();
    if (tokens.prefixes().length > 0) {
      DeviceInts.write(memory.prefixes(), tokens.prefixes());
      prefixes = Optional.of(memory.prefixes());
    }
    return new Pass.Prefill(
        new Places(memory.positions(), Optional.of(memory.places()), tokens.tokens()),
        rotation,
        new PrefillAttention.Batch(
            memory.boundaries(), tokens.sequences(), tokens.tokens(), tokens.longest(), prefixes));
  }

  /** Makes the residual stream of the tokens' embeddings. */
  static void embed(
      PackedTokens tokens, PassMemory memory, ModelOperators operators, EmbeddingTable table) {
    DeviceInts.write(memory.ids(), tokens.ids());
    operators.embed(table, memory.ids(), tokens.tokens(), memory.hidden());
  }
}
