package org.sparkao.gpu.model.cuda;

import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.model.cuda.MixtureKernels.Choices;
import org.sparkao.gpu.model.cuda.MixtureKernels.Order;
import org.sparkao.gpu.model.cuda.Scratch.Slot;

/** Where the choices of a pass lie in the working memory: four numbers a choice, then offsets. */
final class ChoiceMemory {
  private static final int PARTS = 4;

  private final Scratch scratch;
  private final int experts;
  private final int each;

  ChoiceMemory(Scratch scratch, int experts, int each) {
    this.scratch = scratch;
    this.experts = experts;
    this.each = each;
    scratch.need(Slot.ROUTED, (long) Float.BYTES * experts);
    scratch.need(Slot.CHOICES, (long) Integer.BYTES * PARTS * each);
    scratch.needInAll(Slot.OFFSETS, Integer.BYTES * (experts + 1L));
  }

  /** Scores of the router, [rows, experts]. */
  Buffer scores() {
    return scratch.get(Slot.ROUTED);
  }

  Choices choices(int rows) {
    return new Choices(part(0, rows), part(1, rows));
  }

  Order order(int rows) {
    Buffer offsets = scratch.get(Slot.OFFSETS);
    return new Order(
        offsets.slice(0, Integer.BYTES * (experts + 1L)), part(2, rows), part(3, rows));
  }

  private Buffer part(int index, int rows) {
    long bytes = (long) Integer.BYTES * rows * each;
    return scratch.get(Slot.CHOICES).slice(index * bytes, bytes);
  }
}
