package org.sparkao.gpu.gemm;

import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.module.Launch;

/**
 * The launcher of {@code gemm_prefill}, on Hopper: rows of X are tiled into the workspace by a
 * kernel of their own, then multiplied by a dependent launch.
 */
public final class CudaPrefillGemm implements PrefillGemm {
  private static final String FAMILY = "prefill";
  private static final int THREADS = 384;
  private static final int TILE_THREADS = 256;
  private static final int SHARED_BYTES = 232_448;
  private static final int PAIR_ROWS = 256;
  private static final int WIDE = 256;
  private static final int INT4_FP8_ROWS = 192;

  private final KernelLibrary library;
  private final CudaInt4Decode int4;
  private final int multiprocessors;

  /**
   * On the device of a library.
   *
   * @throws org.sparkao.gpu.GpuException when it is no Hopper
   */
  public CudaPrefillGemm(KernelLibrary library) {
    this.library = GemmKernels.requireHopper(library);
    this.int4 = new CudaInt4Decode(library);
    this.multiprocessors = library.device().info().multiprocessors();
  }

  @Override
  public GemmWeights prepare(Gemm gemm, WeightMatrix matrix) {
    GemmChecks.prefill(gemm);
    GemmChecks.single(gemm, matrix);
    if (gemm.operands() instanceof Int4Operands operands) {
      return int4.prepare(gemm, operands, List.of(matrix));
    }
    return prepareDense(gemm, List.of(matrix));
  }

  @Override
  public GemmWeights prepareGated(Gemm gemm, WeightMatrix gate, WeightMatrix up) {
    GemmChecks.prefill(gemm);
    GemmChecks.gated(gemm, gate, up);
    return prepareDense(gemm, List.of(gate, up));
  }

  private GemmWeights prepareDense(Gemm gemm, List<WeightMatrix> matrices) {
    ElementType type = ((DenseOperands) gemm.operands()).w();
    WeightTiler tiler = new WeightTiler(library.device());
    return tiler.tile(
        gemm,
        new TileLayout.Prefill(),
        PrefillTiles.bytes(gemm.n(), gemm.k(), type),
        tiler.scales(gemm, matrices),
        tiler.bias(gemm, matrices),
        tiles -> {
          Optional<Buffer> up = matrices.stream().skip(1).map(WeightMatrix::codes).findFirst();
          tile(gemm, matrices.get(0).codes(), up, tiles, gemm.n());
        });
  }

  @Override
  public long workspaceBytes(Gemm gemm, int m) {
    return PrefillTiles.bytes(m, gemm.k(), gemm.operands().x());
  }

  @Override
  public void multiply(GemmWeights weights, GemmCall call, Buffer workspace) {
    Gemm gemm = weights.gemm();
    boolean dense = gemm.operands() instanceof DenseOperands;
    TiledWeights tiled =
        GemmKernels.require(
            weights, dense ? TileLayout.Dense.class : TileLayout.Int4.class, FAMILY);
    GemmChecks.prefill(gemm);
    GemmChecks.call(gemm, call);
    GemmChecks.workspace(gemm, workspace, workspaceBytes(gemm, call.m()));
    tile(gemm, call.x(), Optional.empty(), workspace, call.m());
    if (gemm.operands() instanceof DenseOperands operands) {
      multiplyDense(tiled, operands, call, workspace);
    } else {
      multiplyInt4(tiled, (Int4Operands) gemm.operands(), call, workspace);
    }
  }

  @Override
  public String plan(GemmWeights weights, int m) {
    Gemm gemm = weights.gemm();
    if (gemm.operands() instanceof DenseOperands operands) {
      String function = function(gemm, operands, columns(gemm, operands, m));
      return operands.w().fp8() ? function + "; " + width(gemm, operands, m) : function;
    }
    return function((Int4Operands) gemm.operands());
  }

  /** X and W have elements of the same size. */
  private void tile(Gemm gemm, Buffer from, Optional<Buffer> up, Buffer to, int rows) {
    ElementType type = gemm.operands().x();
    Launch launch =
        library
            .kernel(
                GemmKernels.PREFILL,
                up.isPresent() ? "gemm_prefill_tile_gate_up" : "gemm_prefill_tile_rows")
            .launch(rows + " rows of " + gemm.label())
            .grid(
                PrefillTiles.blocksOfK(gemm.k(), type),
                PrefillTiles.ceilDiv(rows, PrefillTiles.ROWS))
            .block(TILE_THREADS)
            .dependent()
            .with(from);
    up.ifPresent(launch::with);
    launch.with(to).with(rows).with((long) gemm.k() * type.bytes()).run();
  }

  private void multiplyDense(
      TiledWeights weights, DenseOperands operands, GemmCall call, Buffer tiledX) {
    Gemm gemm = weights.gemm();
    int columns = columns(gemm, operands, call.m());
    int tiles = PrefillTiles.ceilDiv(call.m(), PAIR_ROWS) * PrefillTiles.ceilDiv(gemm.n(), columns);
    Launch launch =
        launch(gemm, call.m(), tiles, function(gemm, operands, columns))
            .with(tiledX)
            .with(weights.tiles());
    GemmKernels.with(launch, call.scalesOfX());
    GemmKernels.with(launch, weights.scales())
        .with(operands.scalingOfX() == Scaling.ROW ? 1 : 0)
        .with(TiledOrder.scalePerRow(gemm, operands) ? 1 : 0);
    GemmKernels.with(launch, weights.bias());
    call.residual().ifPresent(launch::with);
    launch
        .with(call.y())
        .with(call.m())
        .with(gemm.n())
        .with(PrefillTiles.blocksOfK(gemm.k(), operands.x()))
        .with(GemmKernels.outputNumber(gemm.output()))
        .with(((TileLayout.Dense) weights.layout()).tileRows())
        .run();
  }

  private void multiplyInt4(
      TiledWeights weights, Int4Operands operands, GemmCall call, Buffer tiledX) {
    Gemm gemm = weights.gemm();
    boolean fp8 = operands.x() == ElementType.E4M3;
    int tiles =
        PrefillTiles.ceilDiv(gemm.n(), PAIR_ROWS)
            * PrefillTiles.ceilDiv(call.m(), fp8 ? INT4_FP8_ROWS : WIDE);
    Launch launch =
        launch(gemm, call.m(), tiles, function(operands)).with(tiledX).with(weights.tiles());
    if (fp8) {
      GemmKernels.with(launch, call.scalesOfX());
    }
    GemmKernels.with(launch, weights.bias())
        .with(call.y())
        .with(call.m())
        .with(gemm.n())
        .with(gemm.k());
    if (!fp8) {
      launch.with(operands.asymmetric() ? 1 : 0);
    }
    launch.with(GemmKernels.outputNumber(gemm.output())).run();
  }

  private Launch launch(Gemm gemm, int m, int tiles, String function) {
    return library
        .kernel(GemmKernels.PREFILL, function)
        .launch("m=" + m + " " + gemm.label())
        .grid(2 * Math.min(tiles, multiprocessors / 2))
        .block(THREADS)
        .sharedBytes(SHARED_BYTES)
        .dependent();
  }

  /** Columns of a tile. */
  private int columns(Gemm gemm, DenseOperands operands, int m) {
    return operands.w().fp8() ? width(gemm, operands, m).columns() : WIDE;
  }

  private PrefillWidth width(Gemm gemm, DenseOperands operands, int m) {
    return PrefillWidth.of(m, gemm.n(), operands.blockScales(), multiprocessors);
  }

  private static String function(Gemm gemm, DenseOperands operands, int columns) {
    String kind = operands.w().kernelName() + (operands.blockScales() ? "_block" : "");
    boolean promotes = operands.w().fp8() && !operands.blockScales();
    String fused =
        gemm.has(Gemm.Step.SILU_GATE) ? "_gate" : gemm.has(Gemm.Step.RESIDUAL) ? "_residual" : "";
    return "gemm_prefill_" + kind + "_n" + columns + (promotes ? "_p4" : "") + fused;
  }

  private static String function(Int4Operands operands) {
    return "gemm_prefill_int4_" + operands.x().kernelName() + "_g" + Int4Tiles.group(operands);
  }
}
