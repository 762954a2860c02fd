package org.sparkao.gpu.model.cuda;

import java.util.EnumMap;
import java.util.Map;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.Device;

/**
 * Working memory that all layers share: what one leaves in a slot the next may overwrite. Sizes
 * grow as weights are loaded; a graph holds addresses, so capture follows the last load.
 */
final class Scratch implements AutoCloseable {
  private static final int ROWS_STEP = 128;

  private final Device device;
  private final Map<Slot, Long> bytesOfRow = new EnumMap<>(Slot.class);
  private final Map<Slot, Buffer> buffers = new EnumMap<>(Slot.class);
  private int rows;

  /** What memory is for. */
  enum Slot {
    /** Rows behind their norm. */
    NORMED,
    /** Rows as the numbers of their codes. */
    NUMBERS,
    /** Rows with columns of zeros behind them. */
    PADDED,
    /** Codes of rows. */
    CODES,
    /** Scales of codes. */
    SCALES,
    /** fp32 sums that are scaled behind the product. */
    SUMS,
    /** What one product of several gives. */
    PRODUCT,
    /** Gate and up, or what is added to the residual. */
    WIDE,
    /** Behind the gate, padded. */
    GATED,
    /** Tiled rows of a prefill product. */
    WORKSPACE,
    /** Partial results of attention over a cache; its size does not follow from rows. */
    ATTENTION,
    /** Rows of a mixture of experts, sorted. */
    SORTED,
    /** Gate and up of experts. */
    EXPERT_WIDE,
    /** Behind the gate of experts. */
    EXPERT_GATED,
    /** What experts give. */
    EXPERT_OUT,
    /** Scores of the router, in fp32. */
    ROUTED,
    /** Places and weights of the router's choices. */
    CHOICES,
    /** Where an expert's rows begin; its size does not follow from rows. */
    OFFSETS
  }

  Scratch(Device device) {
    this.device = device;
  }

  /** Takes memory for so many rows at a time. */
  void reserve(int mostRows) {
    rows = Math.max(rows, Stack.up(mostRows, ROWS_STEP));
    bytesOfRow.keySet().forEach(this::grow);
  }

  /** Makes a slot hold so much for every row. */
  void need(Slot slot, long bytes) {
    if (bytes > bytesOfRow.getOrDefault(slot, 0L)) {
      bytesOfRow.put(slot, bytes);
      grow(slot);
    }
  }

  /** Makes a slot hold so much whatever the rows. */
  void needInAll(Slot slot, long bytes) {
    Buffer held = buffers.get(slot);
    if (held == null || held.bytes() < bytes) {
      replace(slot, bytes);
    }
  }

  private void grow(Slot slot) {
    long wanted = rows * bytesOfRow.get(slot);
    if (wanted > 0) {
      needInAll(slot, wanted);
    }
  }

  private void replace(Slot slot, long bytes) {
    device.synchronize();
    Buffer before = buffers.remove(slot);
    if (before != null) {
      before.close();
    }
    buffers.put(slot, device.allocate(bytes));
  }

  /** The whole slot. */
  Buffer get(Slot slot) {
    Buffer held = buffers.get(slot);
    if (held == null) {
      throw new IllegalStateException(CudaModelErrors.scratch(slot.name(), 1, rows));
    }
    return held;
  }

  /** Refuses more rows than were reserved. */
  void check(int wanted) {
    if (wanted > rows) {
      throw new IllegalArgumentException(CudaModelErrors.scratch("working memory", wanted, rows));
    }
  }

  @Override
  public void close() {
    buffers.values().forEach(Buffer::close);
    buffers.clear();
  }
}
