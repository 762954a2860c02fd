package org.sparkao.gpu.train;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
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
final class ParameterFile {
  private static final int CHUNK_BYTES = 1 << 20;

  private ParameterFile() {}

  /**
   * Writes values and commits.
   *
   * @param sink stays the caller's to close
   * @param metadata what else is to be known of them
   */
  static void write(ByteSink sink, List<Parameter> parameters, Map<String, String> metadata)
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
   * Some of the parameters, in their order: the largest first, each goes to the part that has
   * least.
   *
   * @param part from 0
   * @param parts that there are; all together have every parameter once
   */
  static List<Parameter> part(List<Parameter> parameters, int part, int parts) {
    Comparator<Parameter> size = Comparator.comparingLong(one -> one.value().elements());
    long[] elements = new long[parts];
    Set<String> own = new HashSet<>();
    for (Parameter parameter : parameters.stream().sorted(size.reversed()).toList()) {
      int least = 0;
      for (int i = 1; i < parts; i++) {
        least = elements[i] < elements[least] ? i : least;
      }
      elements[least] += parameter.value().elements();
      if (least == part) {
        own.add(parameter.name());
      }
    }
    return parameters.stream().filter(parameter -> own.contains(parameter.name())).toList();
  }

  /**
   * Looks whether files together hold values of the same parameters; reads none.
   *
   * @throws org.sparkao.quant.QuantException when they hold other tensors
   */
  static void require(List<ByteSource> sources, List<Parameter> parameters) throws IOException {
    places(sources, parameters);
  }

  /** Where a tensor is. */
  private record Place(ByteSource source, TensorEntry entry) {}

  private static Map<String, Place> places(List<ByteSource> sources, List<Parameter> parameters)
      throws IOException {
    Map<String, Place> places = new HashMap<>();
    Map<String, TensorEntry> entries = new HashMap<>();
    for (ByteSource source : sources) {
      for (TensorEntry entry : SafetensorsHeader.read(source).entries()) {
        places.put(entry.name(), new Place(source, entry));
        entries.put(entry.name(), entry);
      }
    }
    TrainErrors.requireSame(
        sources.get(0).location(), entries, parameters.stream().map(ParameterFile::spec).toList());
    return places;
  }

  /**
   * Reads values back into the same parameters.
   *
   * @param sources hold all of them together
   * @throws org.sparkao.quant.QuantException when they hold other tensors; nothing is read then
   */
  static void read(List<ByteSource> sources, List<Parameter> parameters) throws IOException {
    Map<String, Place> places = places(sources, parameters);
    for (Parameter parameter : parameters) {
      Place place = places.get(parameter.name());
      long at = place.entry().begin();
      for (Tensor piece : pieces(parameter.value())) {
        byte[] bytes = new byte[Math.toIntExact(Float.BYTES * piece.elements())];
        place.source().readFully(at, bytes, 0, bytes.length);
        float[] values = new float[bytes.length / Float.BYTES];
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
        piece.write(values, 0);
        at += bytes.length;
      }
    }
  }
}
