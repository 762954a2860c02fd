package org.sparkao.gpu.model;

import org.sparkao.gpu.device.Buffer;

/**
 * A linear layer on a device, with what {@link ProjectionSpec} puts around it and with its
 * activations quantized as its scheme says. A row of x gives the same bits whatever other rows
 * stand beside it, within one operation.
 */
public interface Projection extends AutoCloseable {
  /**
   * Computes y from x [rows, K], both of the operators' arithmetic unless the spec says otherwise.
   * Launches alone, so that decoding can be captured; rows at most what {@link
   * ModelOperators#reserve} was told.
   */
  void run(Operation operation, int rows, Buffer x, Buffer y);

  /** Memory of the device that its weights take. */
  long bytes();

  /**
   * How it is computed, for logs and rows, such as {@code e4m3 x e4m3} or {@code NVFP4A16
   * dequantized to bf16}.
   */
  String numerics();

  /** Gives the memory back. */
  @Override
  void close();
}
