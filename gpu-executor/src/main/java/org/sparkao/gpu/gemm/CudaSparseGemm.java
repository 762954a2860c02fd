package org.sparkao.gpu.gemm;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.module.Launch;

/**
 * The launcher of {@code gemm_sparse}, on Hopper: products of many rows with a weight that is 2:4,
 * packed once for the sparse tensor core. Rows of X are tiled into the workspace, as for {@link
 * CudaPrefillGemm}.
 */
public final class CudaSparseGemm implements PrefillGemm {
  private static final String OPERATION = "gemm_sparse";
  private static final int THREADS = 384;
  private static final int PACK_THREADS = 256;
  private static final int TILE_THREADS = 256;
  private static final int SHARED_BYTES = 232_448;

  private final KernelLibrary library;
  private final int multiprocessors;

  /**
   * On the device of a library.
   *
   * @throws org.sparkao.gpu.GpuException when it is no Hopper
   */
  public CudaSparseGemm(KernelLibrary library) {
    this.library = GemmKernels.requireHopper(library);
    this.multiprocessors = library.device().info().multiprocessors();
  }

  /**
   * {@inheritDoc}
   *
   * @throws IllegalArgumentException also where more than two of four neighbours are not zero,
   *     naming row and column
   */
  @Override
  public GemmWeights prepare(Gemm gemm, WeightMatrix matrix) {
    GemmChecks.sparse(gemm);
    GemmChecks.single(gemm, matrix);
    WeightTiler tiler = new WeightTiler(library.device());
    return tiler.tile(
        gemm,
        new TileLayout.Sparse(),
        SparseTiles.bytes(gemm.n(), gemm.k(), gemm.operands().x()),
        tiler.scales(gemm, List.of(matrix)),
        tiler.bias(gemm, List.of(matrix)),
        tiles -> pack(gemm, matrix.codes(), tiles));
  }

  @Override
  public GemmWeights prepareGated(Gemm gemm, WeightMatrix gate, WeightMatrix up) {
    throw GemmChecks.sparseGate(gemm);
  }

  /** Waits for the kernel, which says where the first group is that is not 2:4. */
  private void pack(Gemm gemm, Buffer from, Buffer to) {
    CudaDevice device = library.device();
    ElementType type = gemm.operands().x();
    try (Buffer wrong = device.allocate(Long.BYTES)) {
      ByteBuffer none = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      device.write(wrong, 0, none.putLong(0, -1));
      library
          .kernel(OPERATION, "gemm_sparse_pack_" + type.kernelName())
          .launch(gemm.label())
          .grid(
              PrefillTiles.blocksOfK(gemm.k(), type),
              PrefillTiles.ceilDiv(gemm.n(), PrefillTiles.ROWS))
          .block(PACK_THREADS)
          .with(from)
          .with(to)
          .with(gemm.n())
          .with((long) gemm.k() * type.bytes())
          .with(wrong)
          .run();
      ByteBuffer first = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      device.read(wrong, 0, first);
      if (first.getLong(0) != -1) {
        throw SparseTiles.notSparse(gemm, first.getLong(0));
      }
    }
  }

  @Override
  public long workspaceBytes(Gemm gemm, int m) {
    return PrefillTiles.bytes(m, gemm.k(), gemm.operands().x());
  }

  @Override
  public void multiply(GemmWeights weights, GemmCall call, Buffer workspace) {
    Gemm gemm = weights.gemm();
    TiledWeights packed = GemmKernels.require(weights, TileLayout.Sparse.class, "sparse");
    GemmChecks.call(gemm, call);
    GemmChecks.workspace(gemm, workspace, workspaceBytes(gemm, call.m()));
    ElementType type = gemm.operands().x();
    library
        .kernel(GemmKernels.PREFILL, "gemm_prefill_tile_rows")
        .launch(call.m() + " rows of " + gemm.label())
        .grid(
            PrefillTiles.blocksOfK(gemm.k(), type),
            PrefillTiles.ceilDiv(call.m(), PrefillTiles.ROWS))
        .block(TILE_THREADS)
        .dependent()
        .with(call.x())
        .with(workspace)
        .with(call.m())
        .with((long) gemm.k() * type.bytes())
        .run();
    SparseWidth width = width(gemm, call.m());
    Launch launch =
        library
            .kernel(OPERATION, function(gemm, width))
            .launch("m=" + call.m() + " " + gemm.label())
            .grid(2 * Math.min(width.tiles(), multiprocessors / 2))
            .block(THREADS)
            .sharedBytes(SHARED_BYTES)
            .dependent()
            .with(workspace)
            .with(packed.tiles());
    GemmKernels.with(launch, call.scalesOfX());
    GemmKernels.with(launch, packed.scales())
        .with(gemm.operands().scalingOfX() == Scaling.ROW ? 1 : 0)
        .with(((DenseOperands) gemm.operands()).scalingOfW() == Scaling.ROW ? 1 : 0);
    GemmKernels.with(launch, packed.bias())
        .with(call.y())
        .with(call.m())
        .with(gemm.n())
        .with(PrefillTiles.blocksOfK(gemm.k(), type))
        .with(GemmKernels.outputNumber(gemm.output()))
        .run();
  }

  @Override
  public String plan(GemmWeights weights, int m) {
    SparseWidth width = width(weights.gemm(), m);
    return function(weights.gemm(), width) + "; " + width;
  }

  private SparseWidth width(Gemm gemm, int m) {
    return SparseWidth.of(m, gemm.n(), multiprocessors);
  }

  private static String function(Gemm gemm, SparseWidth width) {
    return "gemm_sparse_" + gemm.operands().x().kernelName() + "_n" + width.rows();
  }
}
