package org.sparkao.gpu.gemm;

import org.sparkao.gpu.GpuErrors;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.module.Launch;

/**
 * Rows of a prepared weight by index, as bf16: the embedding of a model whose output head has the
 * same matrix. There are rows of BF16, and of INT8 with a scale a row: bf16(code * scale).
 */
public final class CudaWeightRows {
  private static final int THREADS = 128;

  private final KernelLibrary library;

  /** On the device of a library. */
  public CudaWeightRows(KernelLibrary library) {
    this.library = library;
  }

  /**
   * y[i] = row ids[i] of W; NaN for an id outside. A launch alone.
   *
   * @param weights of one matrix, prepared by {@link CudaGemms}
   * @param ids [rows] int32
   * @param y [rows, K] bf16
   */
  public void gather(GemmWeights weights, Buffer ids, Buffer y, int rows) {
    Gemm gemm = weights.gemm();
    check(gemm);
    TiledWeights tiled = GemmKernels.require(weights, TileLayout.class, "rows");
    boolean scaled = tiled.scales().isPresent();
    Launch launch =
        library
            .kernel("rows", scaled ? "rows_of_tiles_int8" : "rows_of_tiles_bf16")
            .launch(rows + " rows of " + gemm.label())
            .grid(rows)
            .block(THREADS)
            .dependent()
            .with(tiled.tiles());
    tiled.scales().ifPresent(launch::with);
    launch
        .with(ids)
        .with(y)
        .with(gemm.n())
        .with(gemm.k())
        .with(tiled.layout() instanceof TileLayout.Dense dense ? dense.tileRows() : 0)
        .run();
  }

  private static void check(Gemm gemm) {
    boolean known =
        gemm.matrices() == 1
            && gemm.operands() instanceof DenseOperands dense
            && (dense.w() == ElementType.BF16
                || dense.w() == ElementType.INT8 && dense.scalingOfW() == Scaling.ROW);
    if (!known) {
      throw new IllegalArgumentException(
          GpuErrors.gemmLacks(
              gemm.label(), "row", "such weights", "use BF16, or INT8 with scales of rows"));
    }
  }
}
