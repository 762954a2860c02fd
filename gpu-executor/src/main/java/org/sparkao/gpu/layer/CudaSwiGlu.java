package org.sparkao.gpu.layer;

import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.module.KernelLibrary;

/** One thread a vector of 8. */
public final class CudaSwiGlu implements SwiGlu {
  private static final int THREADS = 256;
  private static final int LARGEST_GRID_Y = 65535;

  private final KernelLibrary library;

  /** On the device of a library. */
  public CudaSwiGlu(KernelLibrary library) {
    this.library = library;
  }

  @Override
  public void apply(Buffer x, Order order, Buffer y, int rows, int columns) {
    SwiGlu.check(x, y, rows, columns);
    library
        .kernel(
            LayerKernels.OP, order == Order.PAIRS ? "layer_swiglu_pairs" : "layer_swiglu_halves")
        .launch(rows + "x" + columns)
        .grid(
            LayerShapes.ceilDiv(columns / LayerShapes.OCTET, THREADS),
            Math.min(rows, LARGEST_GRID_Y))
        .block(THREADS)
        .dependent()
        .with(x)
        .with(y)
        .with(rows)
        .with(columns)
        .run();
  }
}
