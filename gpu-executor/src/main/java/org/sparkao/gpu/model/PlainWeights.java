package org.sparkao.gpu.model;

import java.util.List;
import java.util.Optional;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.CheckpointFiles;
import org.sparkao.quant.checkpoint.CheckpointTensor;

/** The weights of a checkpoint that is not quantized. */
final class PlainWeights implements WeightLookup {
  private final Checkpoint checkpoint;
  private final CheckpointFiles files;

  PlainWeights(Checkpoint checkpoint, CheckpointFiles files) {
    this.checkpoint = checkpoint;
    this.files = files;
  }

  @Override
  public LinearWeight linear(String module, int n, int k) {
    StoredTensor values = tensor(module + ".weight", List.of((long) n, (long) k));
    return new LinearWeight(module, n, k, new LinearWeight.Plain(values), Optional.empty());
  }

  @Override
  public StoredTensor tensor(String name, List<Long> shape) {
    CheckpointTensor found =
        checkpoint
            .tensor(name)
            .orElseThrow(() -> ModelErrors.missing(checkpoint.location(), name, shape));
    String where = checkpoint.location() + "/" + found.file();
    if (!found.entry().shape().equals(shape)) {
      throw ModelErrors.shape(where, name, shape, found.entry().shape());
    }
    switch (found.entry().dtype()) {
      case BF16, F16, F32 -> {
        return TensorBytes.stored(files, checkpoint.location(), found);
      }
      default -> throw ModelErrors.type(where, name, found.entry().dtype());
    }
  }

  @Override
  public boolean holds(String name) {
    return checkpoint.tensor(name).isPresent();
  }
}
