package org.sparkao.gpu.model;

import java.util.Optional;
import org.sparkao.gpu.device.Buffer;

/**
 * Sees what flows through a block where it lies, in the {@link Arithmetic} of the operators. Work
 * goes to the stream of the calling thread, behind what wrote it.
 */
public interface DeviceObserver {
  /**
   * Sees the input of linear layers.
   *
   * @param input its name, see {@link BlockInputs}
   * @param x [rows, K], K contiguous, valid during the call
   * @param norm that x goes through before the layers read it
   */
  void input(String input, Buffer x, int rows, Optional<Norm> norm);

  /** Whether {@link #heads} is called. */
  boolean wantsHeads();

  /**
   * Sees queries and keys after rotation, and values.
   *
   * @param heads [rows, {@link org.sparkao.gpu.layer.HeadShape#rowElements()}], valid during the
   *     call
   */
  void heads(Buffer heads, int rows);

  /**
   * RMSNorm as transformers computes it.
   *
   * @param weight [K] fp32, numbers of the arithmetic
   * @param epsilon added to the mean of squares
   */
  record Norm(Buffer weight, float epsilon) {}
}
