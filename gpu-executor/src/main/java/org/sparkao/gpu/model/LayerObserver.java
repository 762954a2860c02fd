package org.sparkao.gpu.model;

import org.sparkao.gpu.device.Buffer;

/** Sees what the parts of a decoder layer read, while the layer runs. */
interface LayerObserver {
  /** Sees nothing. */
  LayerObserver NONE = (part, x, rows) -> {};

  /** The parts, in the order in which they run. */
  enum Part {
    /** q, k and v, before their norm: [rows, hidden]. */
    QKV,
    /** Attention, after heads were prepared: [rows, {@code rowElements}]. */
    HEADS,
    /** The projection back: [rows, {@code queryElements}]. */
    OUTPUT,
    /** Gate and up, or a mixture of experts, before their norm: [rows, hidden]. */
    FEED_FORWARD,
    /** Down: [rows, intermediate]. */
    DOWN
  }

  /** Sees what a part is about to read; the buffer is valid during the call. */
  void before(Part part, Buffer x, int rows);

  /** Sees what experts read. */
  default ExpertObserver experts() {
    return ExpertObserver.NONE;
  }
}
