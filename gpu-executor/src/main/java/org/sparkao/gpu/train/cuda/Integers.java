package org.sparkao.gpu.train.cuda;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CudaDevice;

/** Whole numbers of the host on a device, in a slot of their own. */
final class Integers {
  private final CudaDevice device;
  private final Workspace workspace;
  private final Workspace.Slot slot;
  private int[] last;
  private Buffer copy;

  Integers(CudaDevice device, Workspace workspace, Workspace.Slot slot) {
    this.device = device;
    this.workspace = workspace;
    this.slot = slot;
  }

  /** Copies an array that nobody changes; that of the call before is there already. */
  Buffer kept(int[] values) {
    if (values != last) {
      copy = copied(values);
      last = values;
    }
    return copy;
  }

  /** Copies an array as it is now; valid until the next call. */
  Buffer copied(int[] values) {
    last = null;
    ByteBuffer bytes =
        ByteBuffer.allocate(Math.multiplyExact(Integer.BYTES, values.length))
            .order(ByteOrder.LITTLE_ENDIAN);
    bytes.asIntBuffer().put(values);
    Buffer buffer = workspace.get(slot, bytes.remaining());
    device.write(buffer, 0, bytes);
    return buffer;
  }
}
