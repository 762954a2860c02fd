package org.sparkao.gpu.model.cuda;

import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.model.ModelOperators.EmbeddingTable;

/** An embedding table [vocabulary, columns] in fp32, which a tied head reads too. */
record Fp32Table(Buffer values, int vocabulary, int columns) implements EmbeddingTable {
  @Override
  public long bytes() {
    return values.bytes();
  }

  @Override
  public void close() {
    values.close();
  }
}
