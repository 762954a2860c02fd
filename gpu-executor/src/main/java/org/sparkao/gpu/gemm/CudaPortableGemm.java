package org.sparkao.gpu.gemm;

import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.module.Launch;

/** The launcher of {@code gemm_portable}, for every GPU that kernels run on. */
final class CudaPortableGemm {
  /** Shared memory of every kernel, or a little more than it needs: all devices have that much. */
  static final int SHARED_BYTES = 96 * 1024;

  private static final String OP = "gemm_portable";
  private static final int ROWS_THREADS = 256;
  private static final int ROWS_BLOCKS_EACH = 8;
  private static final int ASYMMETRIC = 32;

  private final KernelLibrary library;
  private final CudaInt4Decode int4;

  CudaPortableGemm(KernelLibrary library) {
    this.library = library;
    this.int4 = new CudaInt4Decode(library);
  }

  /** Of one matrix, or of gate and up. */
  GemmWeights prepare(Gemm gemm, List<WeightMatrix> matrices) {
    if (gemm.operands() instanceof Int4Operands operands) {
      return int4.prepare(gemm, operands, matrices);
    }
    int rowBytes = gemm.k() * ((DenseOperands) gemm.operands()).w().bytes();
    WeightTiler tiler = new WeightTiler(library.device());
    return tiler.tile(
        gemm,
        new TileLayout.Rows(),
        (long) gemm.n() * rowBytes,
        tiler.scales(gemm, matrices),
        tiler.bias(gemm, matrices),
        rows -> rows(gemm, matrices, rows, rowBytes));
  }

  private void rows(Gemm gemm, List<WeightMatrix> matrices, Buffer rows, int rowBytes) {
    Launch launch =
        library
            .kernel(OP, "gemm_portable_rows")
            .launch(gemm.label())
            .grid(ROWS_BLOCKS_EACH * library.device().info().multiprocessors())
            .block(ROWS_THREADS)
            .with(rows)
            .with(matrices.get(0).codes());
    Optional<Buffer> up = matrices.stream().skip(1).map(WeightMatrix::codes).findFirst();
    GemmKernels.with(launch, up).with(gemm.n()).with(rowBytes).run();
  }

  void multiply(GemmWeights given, GemmCall call, PortableFamily family) {
    Gemm gemm = given.gemm();
    boolean isInt4 = gemm.operands() instanceof Int4Operands;
    TiledWeights weights =
        GemmKernels.require(
            given, isInt4 ? TileLayout.Int4.class : TileLayout.Rows.class, "portable");
    Launch launch =
        library
            .kernel(OP, function(gemm, family))
            .launch("m=" + call.m() + " " + gemm.label())
            .grid(
                PrefillTiles.ceilDiv(call.m(), family.rowsOfX()),
                PrefillTiles.ceilDiv(gemm.n(), family.rowsOfW()))
            .block(family.threads(gemm.operands()))
            .sharedBytes(SHARED_BYTES)
            .with(call.y())
            .with(call.x())
            .with(weights.tiles());
    GemmKernels.with(launch, call.scalesOfX());
    GemmKernels.with(launch, weights.scales());
    GemmKernels.with(launch, weights.bias());
    GemmKernels.with(launch, call.residual())
        .with(call.m())
        .with(gemm.n())
        .with(gemm.k())
        .with(gemm.operands() instanceof Int4Operands operands ? Int4Tiles.group(operands) : 0)
        .with(flags(gemm))
        .run();
  }

  static String function(Gemm gemm, PortableFamily family) {
    String x = gemm.operands().x().kernelName();
    String types =
        gemm.operands() instanceof DenseOperands dense
            ? x + (dense.blockScales() ? "_block" : "")
            : "int4_" + x;
    return OP + "_" + types + "_" + family.kernelName();
  }

  private static int flags(Gemm gemm) {
    int flags =
        GemmKernels.outputNumber(gemm.output())
            | (gemm.operands().scalingOfX() == Scaling.ROW ? DecodeLayout.SCALE_PER_ROW : 0)
            | (gemm.has(Gemm.Step.SILU_GATE) ? DecodeLayout.GATE : 0);
    if (gemm.operands() instanceof DenseOperands dense) {
      return flags | (TiledOrder.scalePerRow(gemm, dense) ? DecodeLayout.SCALE_PER_CHANNEL : 0);
    }
    return flags | (((Int4Operands) gemm.operands()).asymmetric() ? ASYMMETRIC : 0);
  }
}
