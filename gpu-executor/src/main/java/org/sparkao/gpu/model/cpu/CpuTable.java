package org.sparkao.gpu.model.cpu;

import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.model.ModelOperators.EmbeddingTable;

/**
 * An embedding table, laid out for the head that may share it.
 *
 * @param memory what it takes; closed with it
 */
record CpuTable(Panels panels, CpuDevice.Held memory) implements EmbeddingTable {
  /** Row {@code id} to {@code to}[0 .. hidden - 1]. */
  void read(int id, float[] to) {
    float[] panel = panels.panel(id / Panels.COLUMNS);
    int column = id % Panels.COLUMNS;
    for (int i = 0; i < to.length; i++) {
      to[i] = panel[i * Panels.COLUMNS + column];
    }
  }

  @Override
  public long bytes() {
    return memory.bytes();
  }

  @Override
  public void close() {
    memory.close();
  }
}
