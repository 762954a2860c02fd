package org.sparkao.gpu.quantize;

import org.sparkao.quant.algorithm.TensorQuantizer;

/**
 * A {@link TensorQuantizer} that can have several slices under way, so that the copy of one runs
 * beside the work on another. {@link #quantize} is {@link #submit} and {@link #take} in one; what
 * comes out is the same. One instance a tensor and a thread.
 */
public interface SliceQuantizer extends TensorQuantizer, AutoCloseable {

  /** How many slices may be under way. */
  int depth();

  /** How many are. */
  int underWay();

  /**
   * Begins rows [rowBegin, rowBegin + rows): arguments as those of {@link #quantize}. Returns when
   * the source has been copied and may be reused, before the codes are there.
   *
   * @throws IllegalStateException when {@link #depth} slices are under way
   */
  void submit(byte[] source, int sourceOffset, long rowBegin, int rows);

  /**
   * Waits for the slice that was submitted first of those under way, writes its parts as {@link
   * #quantize} does, and adds its statistics.
   *
   * @throws IllegalStateException when none is under way
   */
  void take(byte[][] out);

  /** What the slices that were taken have spent on the device. */
  DeviceTimes times();

  /** Waits for what is under way and forgets it; the workspace may then serve another tensor. */
  @Override
  void close();
}
