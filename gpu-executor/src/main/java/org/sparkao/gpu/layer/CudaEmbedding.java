package org.sparkao.gpu.layer;

import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.module.KernelLibrary;

/** One block a row. */
public final class CudaEmbedding implements Embedding {
  private final KernelLibrary library;

  /** On the device of a library. */
  public CudaEmbedding(KernelLibrary library) {
    this.library = library;
  }

  @Override
  public void gather(Table table, Buffer ids, Buffer y, int rows) {
    table.check(ids, y, rows);
    library
        .kernel(LayerKernels.OP, "layer_embedding")
        .launch(rows + " of " + table.vocabulary() + "x" + table.columns())
        .grid(rows)
        .block(LayerKernels.rowThreads(table.columns()))
        .dependent()
        .with(table.values())
        .with(ids)
        .with(y)
        .with(table.columns())
        .with(table.vocabulary())
        .run();
  }
}
