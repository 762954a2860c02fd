package org.sparkao.gpu.train.cuda;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.module.Launch;
import org.sparkao.gpu.module.TensorMap;
import org.sparkao.gpu.tensor.CudaTensor;
import org.sparkao.gpu.train.cuda.Workspace.Slot;
import org.sparkao.quant.format.WeightType;

/** The launcher of the tensor core's products of {@code gemm_train}. */
final class HopperProducts {
  private static final String OP = "gemm_train";
  private static final int COLUMNS = 192;
  private static final int DEPTH = 64;
  private static final int WEIGHT_ROWS = 192;
  private static final int WEIGHT_THREADS = 512;
  private static final int WEIGHT_SHARED_BYTES = 196_672;
  private static final int ADDED_COLUMNS = 4;
  private static final int ADDING_THREADS = 64;

  /** Tiles from which on none is split: three waves of {@link #PARTS}. */
  private static final int MANY_TILES = 396;

  /**
   * Parts of what is split: the multiprocessors of H100 and H200. Others split alike, because sums
   * depend on it, and the training that one GPU began another shall go on with.
   */
  private static final int PARTS = 132;

  /** Maps that are kept: more than a model has operands. */
  private static final int MOST_MAPS = 1 << 13;

  private final KernelLibrary library;
  private final Workspace workspace;
  private final WholeTensors whole;
  private final int multiprocessors;
  private final Map<MapKey, TensorMap> maps = new LinkedHashMap<>(1024, 0.75f, true);

  HopperProducts(KernelLibrary library, Workspace workspace, WholeTensors whole) {
    this.library = library;
    this.workspace = workspace;
    this.whole = whole;
    this.multiprocessors = library.device().info().multiprocessors();
  }

  /** Products whose rows are tokens. */
  enum Rows {
    /** y = x W^T. */
    PRODUCT("gemm_train_product", 96),
    /** dx = dy W. */
    INPUT("gemm_train_input", 32);

    private static final int CLUSTER = 2;
    private static final int ROWS = 128;
    private static final int THREADS = 384;
    private static final int SHARED_BYTES = 204_880;

    private final String kernel;
    private final int boxOfWeight;

    Rows(String kernel, int boxOfWeight) {
      this.kernel = kernel;
      this.boxOfWeight = boxOfWeight;
    }
  }

  /** What a tensor map says. */
  private record MapKey(long address, int rows, int columns, int boxRows) {}

  /** y = a b + bias. */
  void rows(Rows kind, ProductOperand a, ProductOperand b, Optional<Buffer> bias, CudaTensor y) {
    int rowTiles = TensorLaunch.ceilDiv(y.rows(), Rows.ROWS * Rows.CLUSTER);
    int tiles = rowTiles * TensorLaunch.ceilDiv(y.columns(), COLUMNS);
    int clusters = Math.min(tiles, multiprocessors / Rows.CLUSTER);
    Launch launch =
        launch(kind.kernel, y, a.depth())
            .grid(Rows.CLUSTER * clusters)
            .block(Rows.THREADS)
            .sharedBytes(Rows.SHARED_BYTES)
            .with(map(a, Slot.LEFT, Rows.ROWS))
            .with(map(b, Slot.RIGHT, kind.boxOfWeight))
            .with(y.buffer());
    bias.ifPresentOrElse(launch::with, launch::withNull);
    launch
        .with(y.rows())
        .with(y.columns())
        .with(TensorLaunch.ceilDiv(a.depth(), DEPTH))
        .with(y.type() == WeightType.BF16 ? 0 : 1)
        .run();
  }

  /** dw = dw + a b, dw in fp32. */
  void addWeight(ProductOperand a, ProductOperand b, CudaTensor dw) {
    int tiles =
        TensorLaunch.ceilDiv(dw.rows(), WEIGHT_ROWS) * TensorLaunch.ceilDiv(dw.columns(), COLUMNS);
    TensorMap left = map(a, Slot.LEFT, DEPTH);
    TensorMap right = map(b, Slot.RIGHT, DEPTH);
    int blocks = TensorLaunch.ceilDiv(a.depth(), DEPTH);
    if (tiles < MANY_TILES) {
      addInParts(left, right, dw, new Split(tiles, blocks));
      return;
    }
    weights("gemm_train_weight", dw, Math.min(tiles, multiprocessors), a.depth())
        .with(left)
        .with(right)
        .with(dw.buffer())
        .withNull()
        .with(dw.rows())
        .with(dw.columns())
        .with(blocks)
        .with(2)
        .run();
  }

  /** Tiles of the result, and blocks of the depth. */
  private record Split(int tiles, int depthBlocks) {}

  private void addInParts(TensorMap left, TensorMap right, CudaTensor dw, Split split) {
    int units = (int) Math.min((long) split.tiles * split.depthBlocks, PARTS);
    long tileBytes = (long) Float.BYTES * WEIGHT_ROWS * COLUMNS;
    Buffer parts = workspace.get(Slot.PARTS, tileBytes * (units + split.tiles - 1));
    weights("gemm_train_weight_parts", dw, units, split.depthBlocks * DEPTH)
        .with(left)
        .with(right)
        .with(parts)
        .with(dw.rows())
        .with(dw.columns())
        .with(split.depthBlocks)
        .run();
    int wide = TensorLaunch.ceilDiv(dw.columns(), ADDED_COLUMNS * ADDING_THREADS);
    launch("gemm_train_add_parts", dw, split.depthBlocks * DEPTH)
        .grid(dw.rows(), wide)
        .block(ADDING_THREADS)
        .with(dw.buffer())
        .with(parts)
        .with(dw.rows())
        .with(dw.columns())
        .with(split.depthBlocks)
        .with(units)
        .run();
  }

  private Launch weights(String kernel, CudaTensor dw, int blocks, int depth) {
    return launch(kernel, dw, depth)
        .grid(blocks)
        .block(WEIGHT_THREADS)
        .sharedBytes(WEIGHT_SHARED_BYTES);
  }

  private Launch launch(String kernel, CudaTensor y, int depth) {
    String what = y.rows() + "x" + y.columns() + "x" + depth;
    return library.kernel(OP, kernel).launch(what).dependent();
  }

  /** Boxes of an operand, rounded before if it is fp32. */
  private TensorMap map(ProductOperand operand, Slot slot, int boxRows) {
    CudaTensor tensor = operand.tensor();
    Buffer numbers =
        tensor.type() == WeightType.BF16
            ? tensor.buffer()
            : whole.converted(tensor, WeightType.BF16, slot);
    MapKey key = new MapKey(numbers.address(), tensor.rows(), tensor.columns(), boxRows);
    TensorMap known = maps.get(key);
    if (known == null) {
      known =
          TensorMap.of(
              library.device(),
              numbers,
              tensor.rows(),
              WeightType.BF16.bytes() * tensor.columns(),
              boxRows);
      maps.put(key, known);
      if (maps.size() > MOST_MAPS) {
        maps.remove(maps.keySet().iterator().next());
      }
    }
    return known;
  }
}
