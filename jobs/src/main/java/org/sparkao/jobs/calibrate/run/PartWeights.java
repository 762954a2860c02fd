package org.sparkao.jobs.calibrate.run;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.sparkao.gpu.model.BlockInputs.Input;
import org.sparkao.gpu.model.StoredTensor;
import org.sparkao.jobs.calibrate.plan.Sequential;
import org.sparkao.jobs.quantize.plan.TensorTask.Quantize;
import org.sparkao.jobs.storage.WorkFolder;
import org.sparkao.quant.safetensors.ByteSource;
import org.sparkao.quant.safetensors.SafetensorsHeader;
import org.sparkao.quant.safetensors.ShardHeader;
import org.sparkao.quant.safetensors.ShardWriter;
import org.sparkao.quant.safetensors.TensorEntry;
import org.sparkao.quant.safetensors.TensorSpec;

/**
 * The weights that a calibration has quantized so far, as numbers: a file an input in the work
 * folder, which stays until all is done, so that whoever begins again needs not quantize again.
 */
final class PartWeights {
  private final BlockFiles files;
  private final Sequential sequential;

  PartWeights(BlockFiles files, Sequential sequential) {
    this.files = files;
    this.sequential = sequential;
  }

  private static String name(Input input) {
    return WorkFolder.NAME + "/weights-" + input.name() + ".safetensors";
  }

  /** Whether an input has layers that are quantized. */
  boolean wanted(Input input) {
    return input.modules().stream().anyMatch(sequential.weights()::containsKey);
  }

  /** Whether those of an input are there, or none are wanted. */
  boolean has(Input input) throws IOException {
    return !wanted(input) || files.has(name(input));
  }

  /** Keeps the weights of an input, [N, K] by module. */
  void keep(Input input, Map<String, byte[]> weights) throws IOException {
    List<TensorSpec> specs = new ArrayList<>();
    for (String module : weights.keySet()) {
      Quantize task = sequential.weights().get(module);
      specs.add(
          new TensorSpec(
              module,
              task.weight().dtype(),
              List.of(task.weight().rows(), task.weight().columns())));
    }
    ShardHeader header = ShardHeader.of(specs, ShardHeader.PYTORCH);
    files.write(
        name(input),
        sink -> {
          ShardWriter writer = new ShardWriter(sink, header);
          for (Map.Entry<String, byte[]> one : weights.entrySet()) {
            writer.append(one.getKey(), one.getValue(), 0, one.getValue().length);
          }
          writer.finish();
        });
  }

  /** The weights of the inputs of a part, by module. */
  Map<String, StoredTensor> read(List<Input> part) throws IOException {
    Map<String, StoredTensor> all = new HashMap<>();
    for (Input input : part) {
      if (!wanted(input)) {
        continue;
      }
      try (ByteSource source = files.open(name(input))) {
        for (TensorEntry entry : SafetensorsHeader.read(source).entries()) {
          byte[] bytes = new byte[Math.toIntExact(entry.bytes())];
          source.readFully(entry.begin(), bytes, 0, bytes.length);
          all.put(
              entry.name(),
              new StoredTensor(
                  entry.name(),
                  entry.dtype(),
                  entry.shape(),
                  () -> ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN)));
        }
      }
    }
    return all;
  }
}
