package org.sparkao.gpu.train;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import org.sparkao.gpu.model.Closing;
import org.sparkao.gpu.model.HostDequantizer;
import org.sparkao.gpu.model.LinearWeight;
import org.sparkao.gpu.model.StoredTensor;
import org.sparkao.gpu.tensor.Tensor;
import org.sparkao.quant.format.WeightType;

/** Puts stored weights into tensors of a device, and closes all that it took. */
final class WeightLoader implements AutoCloseable {
  private static final int PIECE = 4096;

  /** Of a weight, copied together. */
  private static final int ROWS = 1024;

  private final TrainingOperators operators;
  private final ModelSetup setup;
  private final Deque<AutoCloseable> opened = new ArrayDeque<>();

  WeightLoader(TrainingOperators operators, ModelSetup setup) {
    this.operators = operators;
    this.setup = setup;
  }

  TrainingOperators operators() {
    return operators;
  }

  ModelSetup setup() {
    return setup;
  }

  /** Takes a tensor of zeros that is closed with the others. */
  Tensor take(int rows, int columns) {
    return keep(operators.allocate(rows, columns));
  }

  /** The same for hidden states and fake weights. */
  Tensor takeStates(int rows, int columns) {
    return keep(operators.allocateStates(rows, columns));
  }

  /** The products of linear layers of blocks, where they are in fp8. */
  Optional<Float8Products> float8() {
    return setup.float8() == Float8.NONE
        ? Optional.empty()
        : Optional.of(operators.float8(setup.float8()));
  }

  /** Closes something with the others. */
  <T extends AutoCloseable> T keep(T resource) {
    opened.push(resource);
    return resource;
  }

  boolean trains(String name) {
    return setup.trains(name);
  }

  /** A tensor of one or two axes. */
  Weight load(StoredTensor stored) {
    int axes = stored.shape().size();
    int columns = Math.toIntExact(stored.shape().get(axes - 1));
    int rows = axes == 1 ? 1 : Math.toIntExact(stored.shape().get(0));
    Tensor value = take(rows, columns);
    value.write(floats(stored), 0);
    Optional<Tensor> gradient =
        trains(stored.name()) ? Optional.of(take(rows, columns)) : Optional.empty();
    return new Weight(stored.name(), value, gradient);
  }

  /** All numbers of a tensor. */
  static float[] floats(StoredTensor stored) {
    WeightType type = WeightType.valueOf(stored.dtype().name());
    ByteBuffer bytes = stored.bytes().get();
    byte[] piece = new byte[PIECE * type.bytes()];
    float[] all = new float[bytes.remaining() / type.bytes()];
    for (int at = 0; at < all.length; at += PIECE) {
      int count = Math.min(PIECE, all.length - at);
      bytes.get(piece, 0, count * type.bytes());
      for (int i = 0; i < count; i++) {
        all[at + i] = type.read(piece, i * type.bytes());
      }
    }
    return all;
  }

  /** Copies a weight [N, K] of any form. */
  static void copy(LinearWeight weight, Tensor to) {
    HostDequantizer numbers = HostDequantizer.of(weight);
    int rows = Math.min(weight.n(), ROWS);
    float[] piece = new float[Math.multiplyExact(rows, weight.k())];
    for (int row = 0; row < weight.n(); row += rows) {
      int count = Math.min(rows, weight.n() - row);
      numbers.floats(row, count, piece, 0);
      to.slice(row, row + count).write(piece, 0);
    }
  }

  @Override
  public void close() {
    Closing.all(opened);
  }
}
