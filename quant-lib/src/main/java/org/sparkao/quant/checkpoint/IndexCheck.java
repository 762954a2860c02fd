package org.sparkao.quant.checkpoint;

import java.util.Map;
import org.sparkao.quant.QuantException;

/** Compares an index with the headers of the shards that it names. */
final class IndexCheck {
  private static final String WAY_OUT = "; index and shards are of different checkpoints";

  private final Checkpoint checkpoint;

  IndexCheck(Checkpoint checkpoint) {
    this.checkpoint = checkpoint;
  }

  void requireAgreement(Map<String, String> weightMap) {
    for (CheckpointTensor tensor : checkpoint.tensors()) {
      String name = tensor.entry().name();
      String indexed = weightMap.get(name);
      if (indexed == null) {
        throw refused(name, "is in " + tensor.file() + " but not in the index");
      }
      if (!indexed.equals(tensor.file())) {
        throw refused(name, "is in " + tensor.file() + " but the index says " + indexed);
      }
    }
    for (Map.Entry<String, String> entry : weightMap.entrySet()) {
      if (checkpoint.tensor(entry.getKey()).isEmpty()) {
        throw refused(
            entry.getKey(), "is not in " + entry.getValue() + ", where the index says it is");
      }
    }
  }

  private QuantException refused(String tensor, String what) {
    return new QuantException(
        CheckpointNames.printable(tensor)
            + " in "
            + checkpoint.location()
            + ": "
            + what
            + WAY_OUT
            + ", download both again");
  }
}
