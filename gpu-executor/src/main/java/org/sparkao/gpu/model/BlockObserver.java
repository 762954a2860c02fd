package org.sparkao.gpu.model;

/** Sees what flows through a block, in fp32 on the host. */
public interface BlockObserver {
  /**
   * Sees the input of linear layers, after the norm before them.
   *
   * @param input its name, see {@link BlockInputs}
   * @param x [rows, K], K contiguous, valid during the call
   * @param rows at least 1
   */
  void input(String input, float[] x, int rows);

  /** Which tokens of an expert it wants to see. */
  ExpertObserver.Shown shown(int expert);

  /** Whether {@link #heads} is called. */
  boolean wantsHeads();

  /**
   * Sees queries and keys after rotation, and values.
   *
   * @param heads [rows, {@link org.sparkao.gpu.layer.HeadShape#rowElements()}], valid during the
   *     call
   */
  void heads(float[] heads, int rows);

  /** Whether {@link #input} is called for what is no expert's. */
  boolean wantsInputs();
}
