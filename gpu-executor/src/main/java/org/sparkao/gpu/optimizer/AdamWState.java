package org.sparkao.gpu.optimizer;

import org.sparkao.gpu.device.Device;

/**
 * What AdamW remembers of one tensor.
 *
 * @param first moving average of the gradient
 * @param second moving average of its square
 */
public record AdamWState(MomentState first, MomentState second) implements AutoCloseable {

  /**
   * The state before the first step. The caller closes it.
   *
   * @param choice the wanted format; short tensors have fp32, see {@link StateFormat#of}
   */
  public static AdamWState zeros(Device device, StateFormat choice, long elements) {
    StateFormat format = choice.of(elements);
    return new AdamWState(
        MomentState.zeros(device, format, elements), MomentState.zeros(device, format, elements));
  }

  /** Bytes of both moments. */
  public long bytes() {
    return first.bytes() + second.bytes();
  }

  @Override
  public void close() {
    first.close();
    second.close();
  }
}
