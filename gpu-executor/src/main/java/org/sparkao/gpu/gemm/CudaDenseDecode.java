package org.sparkao.gpu.gemm;

import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.GpuErrors;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.module.Launch;

/** The launcher of {@code gemm_decode}. */
final class CudaDenseDecode {
  private static final int TILE_THREADS = 256;
  private static final int TILE_BLOCKS_EACH = 8;

  private final KernelLibrary library;
  private final int multiprocessors;
  private final DecodeTiling.Card card;

  CudaDenseDecode(KernelLibrary library) {
    this.library = library;
    this.multiprocessors = library.device().info().multiprocessors();
    this.card = DecodeTiling.Card.of(library.device().info());
  }

  /** Of one matrix, or of gate and up. */
  GemmWeights prepare(Gemm gemm, List<WeightMatrix> matrices) {
    int elementBytes = ((DenseOperands) gemm.operands()).w().bytes();
    DecodeTiling tiling = DecodeTiling.choose(gemm.n(), gemm.k(), elementBytes, card);
    WeightTiler tiler = new WeightTiler(library.device());
    return tiler.tile(
        gemm,
        new TileLayout.Decode(tiling),
        DecodeLayout.tiledBytes(gemm.n(), gemm.k(), elementBytes, tiling.tileRows()),
        tiler.scales(gemm, matrices),
        tiler.bias(gemm, matrices),
        tiles -> tile(gemm, matrices, tiling, tiles));
  }

  private void tile(Gemm gemm, List<WeightMatrix> matrices, DecodeTiling tiling, Buffer tiles) {
    Launch launch =
        library
            .kernel(GemmKernels.DECODE, "gemm_decode_tile")
            .launch(gemm.label())
            .grid(TILE_BLOCKS_EACH * multiprocessors)
            .block(TILE_THREADS)
            .with(tiles)
            .with(matrices.get(0).codes());
    Optional<Buffer> up = matrices.stream().skip(1).map(WeightMatrix::codes).findFirst();
    GemmKernels.with(launch, up)
        .with(gemm.n())
        .with(gemm.k() * ((DenseOperands) gemm.operands()).w().bytes())
        .with(tiling.tileRows())
        .run();
  }

  void multiply(TiledWeights weights, GemmCall call) {
    Gemm gemm = weights.gemm();
    DenseOperands operands = (DenseOperands) gemm.operands();
    DecodeTiling tiling = ((TileLayout.Decode) weights.layout()).tiling();
    DecodeLaunch plan = plan(gemm, operands, tiling, call.m());
    Launch launch =
        library
            .kernel(GemmKernels.DECODE, function(operands, plan))
            .launch("m=" + call.m() + " " + gemm.label() + " " + plan)
            .grid(plan.blocks().grid())
            .block(plan.blocks().threads())
            .sharedBytes(plan.sharedBytes())
            .dependent()
            .with(GemmKernels.rows(library, gemm, call))
            .with(call.y())
            .with(weights.tiles());
    GemmKernels.with(launch, call.scalesOfX());
    GemmKernels.with(launch, weights.scales());
    GemmKernels.with(launch, weights.bias());
    GemmKernels.with(launch, call.residual())
        .with(call.m())
        .with(gemm.n())
        .with(gemm.k())
        .with(tiling.tileRows())
        .with(plan.rows())
        .with(plan.stages())
        .with(flags(gemm, operands) | plan.flags())
        .run();
  }

  String plan(TiledWeights weights, int m) {
    Gemm gemm = weights.gemm();
    DenseOperands operands = (DenseOperands) gemm.operands();
    DecodeTiling tiling = ((TileLayout.Decode) weights.layout()).tiling();
    DecodeLaunch plan = plan(gemm, operands, tiling, m);
    return function(operands, plan) + " " + plan + "; " + tiling;
  }

  private static DecodeLaunch plan(Gemm gemm, DenseOperands operands, DecodeTiling tiling, int m) {
    DecodeLaunch plan =
        DecodeLaunch.choose(
            tiling,
            new DecodeLaunch.Size(
                m, gemm.n(), gemm.k(), operands.w().bytes(), operands.blockScales()));
    if (plan.stages() == 0) {
      throw new IllegalArgumentException(GpuErrors.gemmTooLong(gemm.label(), m));
    }
    return plan;
  }

  private static int flags(Gemm gemm, DenseOperands operands) {
    return GemmKernels.outputNumber(gemm.output())
        | (operands.scalingOfX() == Scaling.ROW ? DecodeLayout.SCALE_PER_ROW : 0)
        | (TiledOrder.scalePerRow(gemm, operands) ? DecodeLayout.SCALE_PER_CHANNEL : 0)
        | (gemm.has(Gemm.Step.SILU_GATE) ? DecodeLayout.GATE : 0);
  }

  private static String function(DenseOperands operands, DecodeLaunch plan) {
    return "gemm_decode_"
        + operands.x().kernelName()
        + (operands.blockScales() ? "_block" : "")
        + "_n"
        + plan.n()
        + "_c"
        + plan.blocks().split();
  }
}
