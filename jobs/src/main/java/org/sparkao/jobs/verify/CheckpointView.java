package org.sparkao.jobs.verify;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.sparkao.quant.config.QuantizationConfig;
import org.sparkao.quant.config.QuantizedGroup;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.StorageFormat;

/**
 * A checkpoint as the rules see it: what it holds, and what its configuration says about that.
 *
 * @param contents the files
 * @param config what loaders make of {@code quantization_config}; empty when there is none, or none
 *     that can be made out
 * @param modules its modules, by name
 */
record CheckpointView(
    CheckpointContents contents, Optional<QuantizationConfig> config, List<ModuleTensors> modules) {

  CheckpointView {
    modules = List.copyOf(modules);
  }

  /** A module and the group of the configuration that it is stored under. */
  record Assigned(ModuleTensors module, QuantizedGroup group) {}

  /** The quantized modules that a group targets, whether or not they are also ignored. */
  List<Assigned> assigned() {
    List<Assigned> list = new ArrayList<>();
    config.ifPresent(
        known -> {
          for (ModuleTensors module : modules) {
            if (module.quantized()) {
              known.group(module).ifPresent(group -> list.add(new Assigned(module, group)));
            }
          }
        });
    return list;
  }

  /**
   * Shape [N, K] of a quantized weight; empty when its codes are missing, or of another rank, or
   * packed without a readable {@code weight_shape}.
   */
  Optional<List<Long>> weightShape(Assigned assigned) throws IOException {
    StorageFormat format = assigned.group().format();
    ModuleTensors module = assigned.module();
    return switch (format) {
      case PACK_QUANTIZED -> storedShape(module);
      case NVFP4_PACK_QUANTIZED, MXFP4_PACK_QUANTIZED ->
          module
              .tensor("weight_packed")
              .filter(packed -> packed.shape().size() == 2)
              .map(packed -> List.of(packed.shape().get(0), packed.shape().get(1) * 2));
      case INT_QUANTIZED, FLOAT_QUANTIZED, NAIVE_QUANTIZED, MXFP8_QUANTIZED ->
          module
              .tensor(
                  assigned.group().layout() == CheckpointLayout.TORCHAO
                      ? "_weight_qdata"
                      : "weight")
              .map(StoredTensor::shape)
              .filter(shape -> shape.size() == 2);
    };
  }

  private Optional<List<Long>> storedShape(ModuleTensors module) throws IOException {
    Optional<StoredTensor> shape =
        module
            .tensor("weight_shape")
            .filter(t -> t.dtype() == DType.I64 && t.shape().equals(List.of(2L)));
    if (shape.isEmpty()) {
      return Optional.empty();
    }
    ByteBuffer bytes =
        ByteBuffer.wrap(contents.read(shape.get(), 0, 2 * Long.BYTES))
            .order(ByteOrder.LITTLE_ENDIAN);
    long rows = bytes.getLong();
    long columns = bytes.getLong();
    return rows > 0 && columns > 0 && rows < 1L << 31 && columns < 1L << 31
        ? Optional.of(List.of(rows, columns))
        : Optional.empty();
  }
}
