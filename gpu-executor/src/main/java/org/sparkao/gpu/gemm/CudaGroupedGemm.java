package org.sparkao.gpu.gemm;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.module.Launch;

/**
 * The launcher of {@code gemm_grouped}. On Hopper one kernel serves both operations, elsewhere each
 * has its own.
 */
public final class CudaGroupedGemm implements GroupedGemm {
  private static final String OP = "gemm_grouped";
  private static final int TILE_THREADS = 256;
  private static final int HOPPER_THREADS = 384;
  private static final int HOPPER_SHARED_BYTES = 232_448;
  private static final int PAIR_ROWS = 256;
  private static final int PORTABLE_BLOCKS_EACH = 2;

  private final KernelLibrary library;
  private final Operation operation;
  private final boolean hopper;

  private CudaGroupedGemm(KernelLibrary library, Operation operation, boolean hopper) {
    this.library = library;
    this.operation = operation;
    this.hopper = hopper;
  }

  /** On the device of a library, by the kernels of Hopper where it is one. */
  public static CudaGroupedGemm of(KernelLibrary library, Operation operation) {
    return new CudaGroupedGemm(library, operation, library.hopper());
  }

  /** By the kernels that every device runs. */
  static CudaGroupedGemm portable(KernelLibrary library, Operation operation) {
    return new CudaGroupedGemm(library, operation, false);
  }

  @Override
  public GemmWeights prepare(Gemm gemm, List<WeightMatrix> experts) {
    GroupedGemm.check(gemm);
    GemmChecks.experts(gemm, experts);
    long each = PrefillTiles.bytes(gemm.n(), gemm.k(), gemm.operands().x());
    WeightTiler tiler = new WeightTiler(library.device());
    return tiler.tile(
        gemm,
        new TileLayout.Experts(experts.size()),
        each * experts.size(),
        joined(experts, matrix -> tiler.scales(gemm, List.of(matrix))),
        joined(experts, matrix -> tiler.bias(gemm, List.of(matrix))),
        tiles -> {
          for (int e = 0; e < experts.size(); e++) {
            tile(gemm, experts.get(e).codes(), tiles.slice(each * e, each));
          }
        });
  }

  private static Optional<ByteBuffer> joined(
      List<WeightMatrix> experts, Function<WeightMatrix, Optional<ByteBuffer>> part) {
    List<ByteBuffer> all = experts.stream().flatMap(matrix -> part.apply(matrix).stream()).toList();
    if (all.isEmpty()) {
      return Optional.empty();
    }
    ByteBuffer joined =
        ByteBuffer.allocate(all.stream().mapToInt(ByteBuffer::remaining).sum())
            .order(ByteOrder.LITTLE_ENDIAN);
    all.forEach(joined::put);
    return Optional.of(joined.flip());
  }

  private void tile(Gemm gemm, Buffer from, Buffer to) {
    ElementType type = gemm.operands().x();
    library
        .kernel(GemmKernels.PREFILL, "gemm_prefill_tile_rows")
        .launch(gemm.label())
        .grid(
            PrefillTiles.blocksOfK(gemm.k(), type),
            PrefillTiles.ceilDiv(gemm.n(), PrefillTiles.ROWS))
        .block(TILE_THREADS)
        .with(from)
        .with(to)
        .with(gemm.n())
        .with((long) gemm.k() * type.bytes())
        .run();
  }

  @Override
  public void multiply(GemmWeights given, GroupedCall call) {
    Gemm gemm = given.gemm();
    TiledWeights weights = GemmKernels.require(given, TileLayout.Experts.class, "grouped");
    int experts = ((TileLayout.Experts) weights.layout()).count();
    call.check(gemm, experts);
    Launch launch =
        launch(gemm, experts, call.tokens())
            .with(call.x())
            .with(weights.tiles())
            .with(call.offsets());
    GemmKernels.with(launch, call.scalesOfX());
    GemmKernels.with(launch, weights.scales());
    GemmKernels.with(launch, weights.bias())
        .with(call.y())
        .with(experts)
        .with(gemm.n())
        .with(gemm.k() * gemm.operands().x().bytes())
        .with(GemmKernels.outputNumber(gemm.output()))
        .run();
  }

  private Launch launch(Gemm gemm, int experts, int tokens) {
    int multiprocessors = library.device().info().multiprocessors();
    boolean fp8 = gemm.operands().x().fp8();
    String types = gemm.operands().x().kernelName() + (blockScales(gemm) ? "_block" : "");
    String what = experts + " experts, " + tokens + " tokens, " + gemm.label();
    if (hopper) {
      int columns = fp8 ? 192 : 256;
      long tiles =
          (Math.min(experts, tokens) + tokens / PAIR_ROWS)
              * (long) PrefillTiles.ceilDiv(gemm.n(), columns);
      return library
          .kernel(OP, "gemm_grouped_" + types + "_n" + columns)
          .launch(what)
          .grid(2 * (int) Math.min(tiles, multiprocessors / 2))
          .block(HOPPER_THREADS)
          .sharedBytes(HOPPER_SHARED_BYTES)
          .dependent();
    }
    boolean decode = operation == Operation.DECODE;
    PortableFamily family = decode ? PortableFamily.DECODE16 : PortableFamily.PREFILL;
    return library
        .kernel(OP, "gemm_grouped_portable_" + types + (decode ? "_decode" : "_prefill"))
        .launch(what)
        .grid(PORTABLE_BLOCKS_EACH * multiprocessors)
        .block(family.threads(gemm.operands()))
        .sharedBytes(CudaPortableGemm.SHARED_BYTES);
  }

  private static boolean blockScales(Gemm gemm) {
    return ((DenseOperands) gemm.operands()).blockScales();
  }
}
