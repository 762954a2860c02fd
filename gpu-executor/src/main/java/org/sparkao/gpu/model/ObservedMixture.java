package org.sparkao.gpu.model;

import org.sparkao.gpu.device.Buffer;

/** A mixture of experts that can show what its experts read. */
public interface ObservedMixture extends Projection {
  /** Computes as {@link #run(Operation, int, Buffer, Buffer)}, to the bit, and shows inputs. */
  void run(int rows, Buffer x, Buffer y, ExpertObserver observer);

  @Override
  default void run(Operation operation, int rows, Buffer x, Buffer y) {
    run(rows, x, y, ExpertObserver.NONE);
  }
}
