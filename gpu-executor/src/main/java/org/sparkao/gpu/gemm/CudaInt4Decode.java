package org.sparkao.gpu.gemm;

import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.module.Launch;

/** The launcher of {@code gemm_int4}. */
final class CudaInt4Decode {
  /** Beside the type of Y. */
  private static final int GATE = 4;

  private final KernelLibrary library;

  CudaInt4Decode(KernelLibrary library) {
    this.library = library;
  }

  /** Of one matrix, or of gate and up. */
  GemmWeights prepare(Gemm gemm, Int4Operands operands, List<WeightMatrix> matrices) {
    WeightTiler tiler = new WeightTiler(library.device());
    return tiler.tile(
        gemm,
        new TileLayout.Int4(operands.x()),
        Int4Tiles.bytes(gemm, operands),
        Optional.empty(),
        tiler.bias(gemm, matrices),
        tiles -> tile(gemm, operands, matrices, tiles));
  }

  private void tile(Gemm gemm, Int4Operands operands, List<WeightMatrix> matrices, Buffer tiles) {
    Optional<WeightMatrix> up = matrices.stream().skip(1).findFirst();
    Launch launch =
        library
            .kernel(GemmKernels.INT4, "gemm_int4_tile")
            .launch(gemm.label())
            .grid(Int4Tiles.tiles(gemm.k()), Int4Tiles.tiles(gemm.n()))
            .block(Int4Tiles.TILE_THREADS);
    with(launch, Optional.of(matrices.get(0)));
    with(launch, up)
        .with(tiles)
        .with(gemm.n())
        .with(gemm.k())
        .with(Int4Tiles.group(operands))
        .with(operands.group() == Int4Operands.ROW ? 1 : 0)
        .with(operands.x() == ElementType.E4M3 ? 1 : 0)
        .run();
  }

  private static Launch with(Launch launch, Optional<WeightMatrix> matrix) {
    GemmKernels.with(launch, matrix.map(WeightMatrix::codes));
    GemmKernels.with(launch, matrix.flatMap(WeightMatrix::scales));
    return GemmKernels.with(launch, matrix.flatMap(WeightMatrix::zeroPoints));
  }

  void multiply(TiledWeights weights, Int4Operands operands, GemmCall call) {
    Gemm gemm = weights.gemm();
    int rows = Int4Tiles.rowsFor(call.m());
    Int4Split how = Int4Split.of(gemm.n(), gemm.k());
    int split = how.split();
    Launch launch =
        library
            .kernel(operation(operands), function(operands, rows, split))
            .launch("m=" + call.m() + " " + gemm.label())
            .grid(DecodeLayout.ceilDiv(gemm.n(), Int4Tiles.blockRows(rows)) * split)
            .block(Int4Tiles.threads(rows))
            .sharedBytes(Int4Tiles.sharedBytes(Math.min(how.blocks(), Int4Tiles.mostBlocks(rows))))
            .dependent()
            .with(GemmKernels.rows(library, gemm, call))
            .with(weights.tiles());
    GemmKernels.with(launch, call.scalesOfX());
    GemmKernels.with(launch, weights.bias());
    GemmKernels.with(launch, call.residual())
        .with(call.y())
        .with(call.m())
        .with(gemm.n())
        .with(gemm.k())
        .with(operands.asymmetric() ? 1 : 0)
        .with(GemmKernels.outputNumber(gemm.output()) | (gemm.has(Gemm.Step.SILU_GATE) ? GATE : 0))
        .run();
  }

  String plan(Gemm gemm, Int4Operands operands, int m) {
    Int4Split split = Int4Split.of(gemm.n(), gemm.k());
    return function(operands, Int4Tiles.rowsFor(m), split.split()) + "; " + split;
  }

  /** A file of kernels for each type of X. */
  private static String operation(Int4Operands operands) {
    return operands.x() == ElementType.BF16
        ? GemmKernels.INT4
        : GemmKernels.INT4 + "_" + operands.x().kernelName();
  }

  private static String function(Int4Operands operands, int rows, int split) {
    return "gemm_int4_"
        + operands.x().kernelName()
        + "_g"
        + Int4Tiles.group(operands)
        + "_n"
        + rows
        + "_s"
        + split;
  }
}
