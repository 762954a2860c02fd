package org.sparkao.gpu.optimizer;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.sparkao.gpu.GpuErrors;
import org.sparkao.gpu.GpuException;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.quant.safetensors.ByteSink;
import org.sparkao.quant.safetensors.ByteSource;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.safetensors.SafetensorsHeader;
import org.sparkao.quant.safetensors.ShardHeader;
import org.sparkao.quant.safetensors.ShardWriter;
import org.sparkao.quant.safetensors.TensorEntry;
import org.sparkao.quant.safetensors.TensorSpec;

/**
 * States of AdamW in a safetensors file, bit for bit: {@code <parameter>.exp_avg.codes} and {@code
 * .scale}, {@code <parameter>.exp_avg_sq.codes} and {@code .scale}; in fp32 the codes are the
 * numbers and there is no scale.
 */
public final class OptimizerFile {
  private static final int CHUNK_BYTES = 1 << 20;

  private OptimizerFile() {}

  /**
   * Writes states and commits.
   *
   * @param states by the names of parameters
   * @param metadata what else is to be known of them, such as the step
   * @param sink stays the caller's to close
   */
  public static void write(
      ByteSink sink, Map<String, AdamWState> states, Map<String, String> metadata)
      throws IOException {
    Map<String, Tensor> tensors = tensors(states);
    List<TensorSpec> specs =
        tensors.entrySet().stream().map(entry -> entry.getValue().spec(entry.getKey())).toList();
    ShardWriter writer = new ShardWriter(sink, ShardHeader.of(specs, metadata));
    for (Map.Entry<String, Tensor> tensor : tensors.entrySet()) {
      Buffer buffer = tensor.getValue().buffer();
      byte[] chunk = new byte[(int) Math.min(CHUNK_BYTES, buffer.bytes())];
      for (long at = 0; at < buffer.bytes(); at += chunk.length) {
        int count = (int) Math.min(chunk.length, buffer.bytes() - at);
        buffer.device().read(buffer, at, ByteBuffer.wrap(chunk, 0, count));
        writer.append(tensor.getKey(), chunk, 0, count);
      }
    }
    writer.finish();
  }

  /**
   * Looks whether a file holds states of the same parameters; reads none.
   *
   * @param states by the names of parameters
   * @return the metadata
   * @throws GpuException when the file holds other tensors
   */
  public static Map<String, String> require(ByteSource source, Map<String, AdamWState> states)
      throws IOException {
    SafetensorsHeader header = SafetensorsHeader.read(source);
    requireSame(source, entries(header), tensors(states));
    return header.metadata();
  }

  private static Map<String, TensorEntry> entries(SafetensorsHeader header) {
    return header.entries().stream().collect(Collectors.toMap(TensorEntry::name, entry -> entry));
  }

  /**
   * Reads states back into those that were made for the same parameters.
   *
   * @param states by the names of parameters; filled
   * @return the metadata
   * @throws GpuException when the file holds other tensors; nothing is read then
   */
  public static Map<String, String> read(ByteSource source, Map<String, AdamWState> states)
      throws IOException {
    SafetensorsHeader header = SafetensorsHeader.read(source);
    Map<String, TensorEntry> entries = entries(header);
    Map<String, Tensor> tensors = tensors(states);
    requireSame(source, entries, tensors);
    for (Map.Entry<String, Tensor> tensor : tensors.entrySet()) {
      Buffer buffer = tensor.getValue().buffer();
      long begin = entries.get(tensor.getKey()).begin();
      byte[] chunk = new byte[(int) Math.min(CHUNK_BYTES, buffer.bytes())];
      for (long at = 0; at < buffer.bytes(); at += chunk.length) {
        int count = (int) Math.min(chunk.length, buffer.bytes() - at);
        source.readFully(begin + at, chunk, 0, count);
        buffer.device().write(buffer, at, ByteBuffer.wrap(chunk, 0, count));
      }
    }
    return header.metadata();
  }

  private static void requireSame(
      ByteSource source, Map<String, TensorEntry> entries, Map<String, Tensor> tensors) {
    List<String> wrong = new ArrayList<>();
    tensors.forEach(
        (name, tensor) -> {
          TensorEntry entry = entries.get(name);
          TensorSpec spec = tensor.spec(name);
          if (entry == null) {
            wrong.add(name + " is missing");
          } else if (entry.dtype() != spec.dtype() || !entry.shape().equals(spec.shape())) {
            wrong.add(
                name
                    + " is "
                    + entry.dtype()
                    + " "
                    + entry.shape()
                    + ", not "
                    + spec.dtype()
                    + " "
                    + spec.shape());
          }
        });
    entries.keySet().stream()
        .filter(name -> !tensors.containsKey(name))
        .sorted()
        .forEach(name -> wrong.add(name + " belongs to no parameter"));
    if (!wrong.isEmpty()) {
      throw new GpuException(GpuErrors.otherOptimizerState(source.location(), wrong));
    }
  }

  private static Map<String, Tensor> tensors(Map<String, AdamWState> states) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    states.forEach(
        (name, state) -> {
          add(tensors, name + ".exp_avg", state.first());
          add(tensors, name + ".exp_avg_sq", state.second());
        });
    return tensors;
  }

  private static void add(Map<String, Tensor> tensors, String name, MomentState state) {
    DType type =
        switch (state.format()) {
          case FP32 -> DType.F32;
          case INT8, INT4 -> DType.U8;
          case FP8 -> DType.F8_E4M3;
        };
    tensors.put(name + ".codes", new Tensor(type, state.codes()));
    state.scales().ifPresent(scales -> tensors.put(name + ".scale", new Tensor(DType.F32, scales)));
  }

  private record Tensor(DType type, Buffer buffer) {
    TensorSpec spec(String name) {
      return new TensorSpec(name, type, List.of(buffer.bytes() / type.bytes(1)));
    }
  }
}
