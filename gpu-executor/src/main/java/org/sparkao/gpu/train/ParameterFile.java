package org.sparkao.gpu.train;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.sparkao.gpu.tensor.Parameter;
import org.sparkao.gpu.tensor.Tensor;
import org.sparkao.quant.safetensors.ByteSink;
import org.sparkao.quant.safetensors.ByteSource;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.safetensors.SafetensorsHeader;
import org.sparkao.quant.safetensors.ShardHeader;
import org.sparkao.quant.safetensors.ShardWriter;
import org.sparkao.quant.safetensors.TensorEntry;
import org.sparkao.quant.safetensors.TensorSpec;

/** Values of parameters in a safetensors file, F32 [rows, columns] each, bit for bit. */
public final class ParameterFile {
  private static final int CHUNK_BYTES = 1 << 20;

  private ParameterFile() {}

  /**
   * Writes values and commits.
   *
   * @param sink stays the caller's to close
   * @param metadata what else is to be known of them
   */
  public static void write(ByteSink sink, List<Parameter> parameters, Map<String, String> metadata)
      throws IOException {
    List<TensorSpec> specs = parameters.stream().map(ParameterFile::spec).toList();
    ShardWriter writer = new ShardWriter(sink, ShardHeader.of(specs, metadata));
    for (Parameter parameter : parameters) {
      for (Tensor piece : pieces(parameter.value())) {
        float[] values = piece.toFloats();
        byte[] bytes = new byte[Float.BYTES * values.length];
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().put(values);
        writer.append(parameter.name(), bytes, 0, bytes.length);
      }
    }
    writer.finish();
  }

  private static TensorSpec spec(Parameter parameter) {
    Tensor value = parameter.value();
    List<Long> shape = List.of((long) value.rows(), (long) value.columns());
    return new TensorSpec(parameter.name(), DType.F32, shape);
  }

  /** Some rows each. */
  private static List<Tensor> pieces(Tensor tensor) {
    int rows = Math.max(1, CHUNK_BYTES / Float.BYTES / tensor.columns());
    List<Tensor> all = new ArrayList<>();
    for (int row = 0; row < tensor.rows(); row += rows) {
      all.add(tensor.slice(row, Math.min(tensor.rows(), row + rows)));
    }
    return all;
  }

  /**
   * Reads values back into the same parameters.
   *
   * @param check is given the metadata before anything is read
   * @throws org.sparkao.quant.QuantException when the file holds other tensors; nothing is read
   *     then
   */
  public static void read(
      ByteSource source, List<Parameter> parameters, Consumer<Map<String, String>> check)
      throws IOException {
    SafetensorsHeader header = SafetensorsHeader.read(source);
    Map<String, TensorEntry> entries =
        header.entries().stream().collect(Collectors.toMap(TensorEntry::name, Function.identity()));
    check.accept(header.metadata());
    TrainErrors.requireSame(
        source.location(), entries, parameters.stream().map(ParameterFile::spec).toList());
    for (Parameter parameter : parameters) {
      long at = entries.get(parameter.name()).begin();
      for (Tensor piece : pieces(parameter.value())) {
        byte[] bytes = new byte[Math.toIntExact(Float.BYTES * piece.elements())];
        source.readFully(at, bytes, 0, bytes.length);
        float[] values = new float[bytes.length / Float.BYTES];
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
        piece.write(values, 0);
        at += bytes.length;
      }
    }
  }
}
