package org.sparkao.gpu.train.cuda;

import java.util.ArrayDeque;
import java.util.EnumMap;
import java.util.Map;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.model.Closing;

/** Memory that operators compute in; what one leaves in a slot the next may overwrite. */
final class Workspace implements AutoCloseable {
  private final CudaDevice device;
  private final Map<Slot, Buffer> buffers = new EnumMap<>(Slot.class);

  /** What memory is for. */
  enum Slot {
    /** The first operand of a product, rounded. */
    LEFT,
    /** The second. */
    RIGHT,
    /** A bias in fp32. */
    BIAS,
    /** Partial sums of a product, or of columns. */
    PARTS,
    /** What rows are multiplied by. */
    ROOTS,
    /** Sums of squares. */
    SQUARES,
    /** Ids of the tokens of a batch. */
    IDS,
    /** The same tokens by id. */
    TOKENS,
    /** Positions of its tokens. */
    POSITIONS,
    /** Where its sequences begin. */
    BOUNDARIES,
    /** What is to be predicted. */
    TARGETS,
    /** Means of gradients of results of attention. */
    MEANS,
    /** fp8 codes of the gradient of an output. */
    FLOAT8
  }

  Workspace(CudaDevice device) {
    this.device = device;
  }

  /**
   * At least so many bytes, contents undefined; valid until more are asked for.
   *
   * @throws org.sparkao.gpu.OutOfDeviceMemoryException when the device's budget is exhausted
   */
  Buffer get(Slot slot, long bytes) {
    Buffer held = buffers.get(slot);
    if (held != null && held.bytes() >= bytes) {
      return held;
    }
    if (held != null) {
      device.synchronize();
      buffers.remove(slot).close();
    }
    Buffer taken = device.allocate(bytes);
    buffers.put(slot, taken);
    return taken;
  }

  @Override
  public void close() {
    Closing.all(new ArrayDeque<>(buffers.values()));
    buffers.clear();
  }
}
