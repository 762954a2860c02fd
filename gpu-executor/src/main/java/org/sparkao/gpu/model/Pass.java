package org.sparkao.gpu.model;

import java.util.Optional;
import org.sparkao.gpu.layer.DecodeAttention;
import org.sparkao.gpu.layer.KvCache;
import org.sparkao.gpu.layer.PrefillAttention;
import org.sparkao.gpu.model.ModelOperators.Places;
import org.sparkao.gpu.model.ModelOperators.RotaryTable;

/** What all layers of a pass are told. */
sealed interface Pass {
  /** Which kernels run. */
  Operation operation();

  /** Where rows belong. */
  Places places();

  /** Angles of positions. */
  RotaryTable rotation();

  /** Attention of the pass, after the heads were prepared. */
  void attend(ModelOperators operators, PassMemory memory, Optional<KvCache> cache);

  /** Whole sequences; their keys and values are kept where there is a cache. */
  record Prefill(Places places, RotaryTable rotation, PrefillAttention.Batch batch)
      implements Pass {
    @Override
    public Operation operation() {
      return Operation.PREFILL;
    }

    @Override
    public void attend(ModelOperators operators, PassMemory memory, Optional<KvCache> cache) {
      operators.attend(memory.qkv(), memory.heads(), batch, memory.attended());
    }
  }

  /**
   * One token of each sequence of a cache.
   *
   * @param operation which family multiplies; attention is the cache's either way
   */
  record Decode(
      Operation operation, Places places, RotaryTable rotation, DecodeAttention.Batch batch)
      implements Pass {
    @Override
    public void attend(ModelOperators operators, PassMemory memory, Optional<KvCache> cache) {
      operators.attend(memory.qkv(), memory.heads(), cache.orElseThrow(), batch, memory.attended());
    }
  }
}
