package org.sparkao.jobs.train.run;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.TaskContext;
import org.sparkao.jobs.evaluate.run.ModelRequest;
import org.sparkao.jobs.spark.SparkSessions;
import org.sparkao.jobs.spark.TextWork;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.safetensors.ByteSource;
import org.sparkao.quant.safetensors.SafetensorsHeader;
import org.sparkao.quant.safetensors.ShardHeader;
import org.sparkao.quant.safetensors.ShardWriter;
import org.sparkao.quant.safetensors.TensorEntry;
import org.sparkao.quant.safetensors.TensorSpec;

/**
 * Writes a file of the output: the tensors of the source's file of that name, trained ones rounded
 * to their types, the others as they are.
 */
final class OutputWork implements TextWork<String> {
  private static final long serialVersionUID = 1;

  /** Elements that are read at a time. */
  private static final int PIECE = 1 << 20;

  private final ModelRequest source;
  private final String output;
  private final List<String> values;

  /**
   * Of a training that is finished.
   *
   * @param values files of trained values in the output folder
   */
  OutputWork(ModelRequest source, String output, List<String> values) {
    this.source = source;
    this.output = output;
    this.values = List.copyOf(values);
  }

  @Override
  public String run(String file, TaskContext context) throws IOException {
    Storage storage =
        Storage.ofSettings(SparkSessions.taskSettings()).withScratch(SparkSessions.taskScratch());
    Folder folder = storage.folder(output);
    try (ByteSource from = storage.folder(source.location()).open(file);
        Trained trained = new Trained(folder)) {
      SafetensorsHeader header = SafetensorsHeader.read(from);
      List<TensorSpec> specs =
          header.entries().stream()
              .map(entry -> new TensorSpec(entry.name(), entry.dtype(), entry.shape()))
              .toList();
      new UnitFiles(folder)
          .write(
              file,
              sink -> {
                ShardWriter writer =
                    new ShardWriter(sink, ShardHeader.of(specs, header.metadata()));
                for (TensorEntry entry : header.entries()) {
                  context.killTaskIfInterrupted();
                  if (trained.has(entry.name())) {
                    trained.write(entry, writer);
                  } else {
                    copy(from, entry, writer);
                  }
                }
                writer.finish();
              });
    }
    return file;
  }

  private static void copy(ByteSource from, TensorEntry entry, ShardWriter writer)
      throws IOException {
    byte[] piece = new byte[(int) Math.min(PIECE, entry.bytes())];
    for (long at = entry.begin(); at < entry.end(); at += piece.length) {
      int count = (int) Math.min(piece.length, entry.end() - at);
      from.readFully(at, piece, 0, count);
      writer.append(entry.name(), piece, 0, count);
    }
  }

  /** Trained values, F32 each. */
  private final class Trained implements AutoCloseable {
    private final Map<String, Place> places = new HashMap<>();
    private final Sources sources;

    /** Where a tensor is. */
    private record Place(ByteSource file, TensorEntry entry) {}

    Trained(Folder folder) throws IOException {
      sources = new Sources(folder, values);
      try {
        for (ByteSource file : sources.all()) {
          for (TensorEntry entry : SafetensorsHeader.read(file).entries()) {
            places.put(entry.name(), new Place(file, entry));
          }
        }
      } catch (IOException | RuntimeException e) {
        close();
        throw e;
      }
    }

    boolean has(String tensor) {
      return places.containsKey(tensor);
    }

    void write(TensorEntry to, ShardWriter writer) throws IOException {
      Place place = places.get(to.name());
      WeightType type = WeightType.valueOf(to.dtype().name());
      long elements = to.bytes() / type.bytes();
      for (long at = 0; at < elements; at += PIECE) {
        int count = (int) Math.min(PIECE, elements - at);
        byte[] bytes = new byte[Float.BYTES * count];
        place.file.readFully(place.entry.begin() + Float.BYTES * at, bytes, 0, bytes.length);
        ByteBuffer floats = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        byte[] out = new byte[type.bytes() * count];
        for (int i = 0; i < count; i++) {
          type.write(floats.getFloat(Float.BYTES * i), out, type.bytes() * i);
        }
        writer.append(to.name(), out, 0, out.length);
      }
    }

    @Override
    public void close() throws IOException {
      sources.close();
    }
  }
}
