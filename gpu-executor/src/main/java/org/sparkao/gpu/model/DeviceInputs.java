package org.sparkao.gpu.model;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.Device;

/** What a {@link DeviceObserver} is told of the parts of one layer; holds its norms. */
final class DeviceInputs implements AutoCloseable {
  private static final List<LayerObserver.Part> READING =
      List.of(
          LayerObserver.Part.QKV,
          LayerObserver.Part.OUTPUT,
          LayerObserver.Part.FEED_FORWARD,
          LayerObserver.Part.DOWN);

  private final BlockInputs inputs;
  private final Deque<AutoCloseable> opened = new ArrayDeque<>();
  private final DeviceObserver.Norm first;
  private final DeviceObserver.Norm second;

  DeviceInputs(LayerWeights weights, BlockRunner.Context context) {
    this.inputs = BlockInputs.of(weights);
    if (inputs.experts() > 0) {
      throw new IllegalArgumentException(
          inputs.block() + ": what experts read is shown on the host alone");
    }
    try {
      this.first = norm(weights.inputNorm(), context);
      this.second = norm(weights.feedForwardNorm(), context);
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  private DeviceObserver.Norm norm(StoredTensor weight, BlockRunner.Context context) {
    ProjectionSpec.Norm norm = new ProjectionSpec.Norm(weight, context.config().normEpsilon());
    float[] values = new ReferenceNorm(norm, context.operators().arithmetic()).weight();
    ByteBuffer bytes =
        ByteBuffer.allocate(Float.BYTES * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    Device device = context.operators().device();
    Buffer buffer = device.allocate(bytes.capacity());
    opened.push(buffer);
    device.write(buffer, 0, bytes);
    return new DeviceObserver.Norm(buffer, norm.epsilon());
  }

  /** Tells an observer what parts read. */
  LayerObserver to(DeviceObserver observer) {
    return (part, x, rows) -> {
      if (part == LayerObserver.Part.HEADS) {
        if (observer.wantsHeads()) {
          observer.heads(x, rows);
        }
        return;
      }
      Optional<DeviceObserver.Norm> norm =
          switch (part) {
            case QKV -> Optional.of(first);
            case FEED_FORWARD -> Optional.of(second);
            default -> Optional.empty();
          };
      observer.input(inputs.inputs().get(READING.indexOf(part)).name(), x, rows, norm);
    };
  }

  @Override
  public void close() {
    Closing.all(opened);
  }
}
