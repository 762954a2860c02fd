package org.sparkao.gpu.model;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.CheckpointFiles;
import org.sparkao.quant.config.CheckpointQuantization;
import org.sparkao.quant.config.NamedModule;
import org.sparkao.quant.config.QuantizationConfig;
import org.sparkao.quant.config.QuantizedGroup;
import org.sparkao.quant.safetensors.DType;

/**
 * The weights of a quantized checkpoint, by what {@code quantization_config} says of each module.
 * Scales of a quantized key-value cache are counted and not used: what the cache stores is a
 * setting of the run.
 */
final class QuantizedWeights implements WeightLookup {
  private static final Logger LOG = LoggerFactory.getLogger(QuantizedWeights.class);

  /** Methods whose list of what stays is not whole. */
  private static final Set<String> UNLISTED = Set.of("fp8", "torchao");

  private final Checkpoint checkpoint;
  private final CheckpointFiles files;
  private final CheckpointQuantization quantization;
  private final PlainWeights plain;

  QuantizedWeights(
      Checkpoint checkpoint, CheckpointFiles files, CheckpointQuantization quantization) {
    this.checkpoint = checkpoint;
    this.files = files;
    this.quantization = quantization;
    this.plain = new PlainWeights(checkpoint, files);
    notes().forEach(note -> LOG.info("{}: {}", checkpoint.location(), note));
  }

  /** What of the checkpoint is not used. */
  List<String> notes() {
    long scales =
        checkpoint.tensors().stream()
            .map(tensor -> tensor.entry().name())
            .filter(name -> name.endsWith(".k_scale") || name.endsWith(".v_scale"))
            .count();
    return scales == 0
        ? List.of()
        : List.of(
            scales
                + " scales of a quantized key-value cache (k_scale, v_scale) are not used; the"
                + " cache is stored as the run says");
  }

  @Override
  public LinearWeight linear(String module, int n, int k) {
    QuantizationConfig config = quantization.config();
    NamedModule linear = NamedModule.linear(module);
    boolean ignored = config.ignores(linear);
    Optional<QuantizedGroup> group = config.group(linear).filter(found -> !ignored);
    if (group.isEmpty()) {
      if (holds(module + ".weight_packed") || holds(module + ".weight") && !storedPlain(module)) {
        throw ModelErrors.untargeted(checkpoint.location(), module, ignored);
      }
      return plain.linear(module, n, k);
    }
    // Loaders of these know heads and routers by themselves; no list names them.
    boolean unlisted =
        UNLISTED.contains(config.method())
            && storedPlain(module)
            && !holds(module + ".weight_scale")
            && !holds(module + ".weight_scale_inv");
    return unlisted
        ? plain.linear(module, n, k)
        : new QuantizedModule(checkpoint, files, module, group.get())
            .weight(n, k, quantization.dtype());
  }

  @Override
  public StoredTensor tensor(String name, List<Long> shape) {
    return plain.tensor(name, shape);
  }

  @Override
  public boolean holds(String name) {
    return plain.holds(name);
  }

  private boolean storedPlain(String module) {
    return checkpoint
        .tensor(module + ".weight")
        .map(weight -> weight.entry().dtype())
        .filter(type -> type == DType.BF16 || type == DType.F16 || type == DType.F32)
        .isPresent();
  }
}
