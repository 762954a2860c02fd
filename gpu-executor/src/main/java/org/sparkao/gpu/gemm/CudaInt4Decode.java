package org.sparkao.gpu.gemm;

import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.module.Launch;

/** The launcher of {@code gemm_int4}. */
final class CudaInt4Decode {
  private final KernelLibrary library;

  CudaInt4Decode(KernelLibrary library) {
    this.library = library;
  }

  GemmWeights prepare(Gemm gemm, Int4Operands operands, WeightMatrix matrix) {
    WeightTiler tiler = new WeightTiler(library.device());
    return tiler.tile(
        gemm,
        new TileLayout.Int4(operands.x()),
        Int4Tiles.bytes(gemm, operands),
        Optional.empty(),
        tiler.bias(gemm, List.of(matrix)),
        tiles -> tile(gemm, operands, matrix, tiles));
  }

  private void tile(Gemm gemm, Int4Operands operands, WeightMatrix matrix, Buffer tiles) {
    Launch launch =
        library
            .kernel(GemmKernels.INT4, "gemm_int4_tile")
            .launch(gemm.label())
            .grid(Int4Tiles.tiles(gemm.k()), Int4Tiles.tiles(gemm.n()))
            .block(Int4Tiles.TILE_THREADS)
            .with(matrix.codes())
            .with(matrix.scales().orElseThrow());
    GemmKernels.with(launch, matrix.zeroPoints())
        .with(tiles)
        .with(gemm.n())
        .with(gemm.k())
        .with(Int4Tiles.group(operands))
        .with(operands.group() == Int4Operands.ROW ? 1 : 0)
        .with(operands.x() == ElementType.E4M3 ? 1 : 0)
        .run();
  }

  void multiply(TiledWeights weights, Int4Operands operands, GemmCall call) {
    Gemm gemm = weights.gemm();
    int rows = Int4Tiles.rowsFor(call.m());
    int split = Int4Split.of(gemm.n(), gemm.k()).split();
    Launch launch =
        library
            .kernel(GemmKernels.INT4, function(operands, rows, split))
            .launch("m=" + call.m() + " " + gemm.label())
            .grid(Int4Tiles.tiles(gemm.n()) * split)
            .block(Int4Tiles.THREADS)
            .sharedBytes(Int4Tiles.sharedBytes(rows))
            .dependent()
            .with(GemmKernels.rows(library, gemm, call))
            .with(weights.tiles());
    GemmKernels.with(launch, call.scalesOfX());
    GemmKernels.with(launch, weights.bias())
        .with(call.y())
        .with(call.m())
        .with(gemm.n())
        .with(gemm.k())
        .with(operands.asymmetric() ? 1 : 0)
        .with(GemmKernels.outputNumber(gemm.output()))
        .run();
  }

  String plan(Gemm gemm, Int4Operands operands, int m) {
    Int4Split split = Int4Split.of(gemm.n(), gemm.k());
    return function(operands, Int4Tiles.rowsFor(m), split.split()) + "; " + split;
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
