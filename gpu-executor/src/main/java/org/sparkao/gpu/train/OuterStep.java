package org.sparkao.gpu.train;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.sparkao.quant.safetensors.ByteSink;
import org.sparkao.quant.safetensors.ByteSource;
import org.sparkao.quant.safetensors.SafetensorsHeader;
import org.sparkao.quant.safetensors.ShardHeader;
import org.sparkao.quant.safetensors.ShardWriter;
import org.sparkao.quant.safetensors.TensorEntry;
import org.sparkao.quant.safetensors.TensorSpec;

/**
 * Brings together what workers made of the same parameters (DiLoCo, Douillard et al. 2023,
 * algorithm 1): {@code delta = before - mean of workers, velocity = momentum * velocity + delta,
 * after = before - rate * (delta + momentum * velocity)}, which is PyTorch's SGD with {@code
 * nesterov=True} on the gradient {@code delta}. In fp64, workers added in their order, rounded to
 * fp32 once: the same bits wherever they ran. Reads and writes files piece by piece.
 */
public final class OuterStep {
  /** Elements that are held of each file. */
  private static final int PIECE = 1 << 16;

  private final OuterSettings settings;

  /** With these settings. */
  public OuterStep(OuterSettings settings) {
    this.settings = settings;
  }

  /**
   * What is read; all stay the caller's to close.
   *
   * @param before values that all workers began with: these are moved
   * @param velocity of the same tensors; empty before the first step, or without momentum
   * @param workers values of each, of these tensors and maybe others
   */
  public record Inputs(
      ByteSource before, Optional<ByteSource> velocity, List<ByteSource> workers) {}

  /**
   * Moves, and commits what it writes.
   *
   * @param after receives values, with the metadata of the workers
   * @param velocityAfter receives the velocity; given with momentum alone
   * @throws org.sparkao.quant.QuantException when workers are not at the same step of the same
   *     training, or have other tensors
   */
  public void run(Inputs inputs, ByteSink after, Optional<ByteSink> velocityAfter)
      throws IOException {
    List<TensorEntry> entries = SafetensorsHeader.read(inputs.before()).entries();
    List<TensorSpec> specs =
        entries.stream()
            .map(entry -> new TensorSpec(entry.name(), entry.dtype(), entry.shape()))
            .toList();
    Places places = new Places(specs);
    places.add(inputs.before());
    Map<String, String> metadata = places.add(inputs.workers().get(0));
    for (ByteSource worker : inputs.workers().subList(1, inputs.workers().size())) {
      Map<String, String> other = places.add(worker);
      if (!other.equals(metadata)) {
        throw TrainErrors.otherTraining(worker.location(), other.toString(), metadata.toString());
      }
    }
    if (inputs.velocity().isPresent()) {
      places.add(inputs.velocity().get());
    }
    ShardHeader header = ShardHeader.of(specs, metadata);
    ShardWriter values = new ShardWriter(after, header);
    Optional<ShardWriter> velocities = Optional.empty();
    if (velocityAfter.isPresent()) {
      velocities = Optional.of(new ShardWriter(velocityAfter.get(), header));
    }
    for (TensorEntry entry : entries) {
      long elements = entry.bytes() / Float.BYTES;
      for (long at = 0; at < elements; at += PIECE) {
        int count = (int) Math.min(PIECE, elements - at);
        Piece piece = new Piece(places, entry.name(), at, count);
        double[] before = piece.read(inputs.before());
        double[] velocity = velocity(inputs, piece, before);
        values.append(entry.name(), bytes(before), 0, Float.BYTES * count);
        if (velocities.isPresent()) {
          velocities.get().append(entry.name(), bytes(velocity), 0, Float.BYTES * count);
        }
      }
    }
    values.finish();
    if (velocities.isPresent()) {
      velocities.get().finish();
    }
  }

  /**
   * Moves a piece.
   *
   * @param values before, and then after
   * @return the velocity
   */
  private double[] velocity(Inputs inputs, Piece piece, double[] values) throws IOException {
    double[] mean = new double[values.length];
    for (ByteSource worker : inputs.workers()) {
      double[] own = piece.read(worker);
      for (int i = 0; i < mean.length; i++) {
        mean[i] += own[i];
      }
    }
    double[] velocity = new double[values.length];
    if (inputs.velocity().isPresent()) {
      velocity = piece.read(inputs.velocity().get());
    }
    double momentum = settings.momentum();
    for (int i = 0; i < values.length; i++) {
      double delta = values[i] - mean[i] / inputs.workers().size();
      velocity[i] = momentum * velocity[i] + delta;
      values[i] -= settings.learningRate() * (delta + momentum * velocity[i]);
    }
    return velocity;
  }

  private static byte[] bytes(double[] values) {
    ByteBuffer bytes =
        ByteBuffer.allocate(Float.BYTES * values.length).order(ByteOrder.LITTLE_ENDIAN);
    for (double value : values) {
      bytes.putFloat((float) value);
    }
    return bytes.array();
  }

  /** Where tensors are in files. */
  private static final class Places {
    private final List<TensorSpec> wanted;
    private final Map<ByteSource, Map<String, TensorEntry>> entries = new HashMap<>();

    private Places(List<TensorSpec> wanted) {
      this.wanted = wanted;
    }

    /** Reads a header; returns its metadata. */
    private Map<String, String> add(ByteSource source) throws IOException {
      SafetensorsHeader header = SafetensorsHeader.read(source);
      Map<String, TensorEntry> own = new HashMap<>();
      header.entries().forEach(entry -> own.put(entry.name(), entry));
      own.keySet().retainAll(wanted.stream().map(TensorSpec::name).toList());
      TrainErrors.requireSame(source.location(), own, wanted);
      entries.put(source, own);
      return header.metadata();
    }
  }

  /** Some neighbouring elements of a tensor. */
  private record Piece(Places places, String tensor, long begin, int count) {
    double[] read(ByteSource source) throws IOException {
      TensorEntry entry = places.entries.get(source).get(tensor);
      byte[] bytes = new byte[Float.BYTES * count];
      source.readFully(entry.begin() + Float.BYTES * begin, bytes, 0, bytes.length);
      ByteBuffer floats = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
      double[] values = new double[count];
      for (int i = 0; i < values.length; i++) {
        values[i] = floats.getFloat();
      }
      return values;
    }
  }
}
