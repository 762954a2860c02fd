package org.sparkao.gpu.layer;

import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.module.KernelLibrary;

/** Two vectors of 8 a thread. */
public final class CudaResidualAdd implements ResidualAdd {
  private static final int THREADS = 256;
  private static final int VECTORS_A_BLOCK = 2 * THREADS;

  private final KernelLibrary library;

  /** On the device of a library. */
  public CudaResidualAdd(KernelLibrary library) {
    this.library = library;
  }

  @Override
  public void add(Buffer a, Buffer b, Buffer y, long elements) {
    ResidualAdd.check(a, b, y, elements);
    long vectors = elements / LayerShapes.OCTET;
    library
        .kernel(LayerKernels.OP, "layer_add")
        .launch(elements + " elements")
        .grid(Math.toIntExact((vectors + VECTORS_A_BLOCK - 1) / VECTORS_A_BLOCK))
        .block(THREADS)
        .dependent()
        .with(a)
        .with(b)
        .with(y)
        .with(vectors)
        .run();
  }
}
