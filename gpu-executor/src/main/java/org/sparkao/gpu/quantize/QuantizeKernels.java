package org.sparkao.gpu.quantize;

import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.module.Launch;
import org.sparkao.quant.safetensors.DType;

/** The launches of the kernels of one scheme for weights of one type. Any thread may use it. */
final class QuantizeKernels {
  static final String OP = "quantize";

  private static final int THREADS = 256;
  private static final int OCTET = 8;
  private static final int WEIGHTS_A_GROUP_BLOCK = 8192;
  private static final int NVFP4_GROUP = 16;
  private static final int WEIGHTS_A_WALKING_BLOCK = 4096;
  private static final int WALKING_BLOCKS_EACH = 4;
  private static final int WEIGHTS_A_ROW_THREAD = 32;
  private static final int WARP = 32;
  private static final int SCALES_A_BLOCK = 8;
  private static final int STATISTICS_THREADS = 128;
  private static final int SUM_WARPS = 4;
  private static final int ROWS_OF_FULL_WARP = 4;
  private static final int WARPS_THAT_FILL = 4;
  private static final int LARGEST_GRID_Y = 65535;
  private static final int TILE = 128;
  private static final int TILE_THREADS = 512;

  private final KernelLibrary library;
  private final DType type;
  private final DeviceScheme scheme;
  private final DeviceGrid grid;
  private Optional<Buffer> searchTables = Optional.empty();
  private boolean dependent;

  QuantizeKernels(KernelLibrary library, DType type, DeviceScheme scheme, DeviceGrid grid) {
    this.library = library;
    this.type = type;
    this.scheme = scheme;
    this.grid = grid;
  }

  /** Makes every launch one that may start while its predecessor runs. */
  QuantizeKernels dependent() {
    dependent = true;
    return this;
  }

  /** Makes {@link #quantize} search the range of least error. */
  QuantizeKernels searching(Buffer tables) {
    searchTables = Optional.of(tables);
    return this;
  }

  /** Scales, zero points, records and codes of {@code rows} rows. */
  void quantize(MatrixOnDevice matrix, int rows, int columns) {
    DeviceGrid.Pass pass =
        searchTables.isPresent() ? DeviceGrid.Pass.TWO_PASSES : grid.pass(scheme, columns);
    switch (pass) {
      case ROWS -> {
        int threads = (columns - 1) / (WEIGHTS_A_ROW_THREAD * WARP) * WARP + WARP;
        addScheme(begin("rows", matrix, rows, columns).grid(rows).block(threads)).run();
      }
      case GROUPS -> {
        Launch launch =
            begin("groups", matrix, rows, columns).grid(groupBlocks((long) rows * columns));
        addScheme(launch.block(THREADS)).with(grid.groupColumns()).run();
      }
      case BLOCKS -> {
        Launch launch = begin("blocks", matrix, rows, columns);
        addScheme(launch.grid(grid.groups(), (rows - 1) / TILE + 1).block(TILE_THREADS)).run();
      }
      case TWO_PASSES -> {
        if (!grid.wholeTensor()) {
          String kernel = searchTables.isPresent() ? "search" : "scales";
          Launch launch = begin(kernel, matrix, rows, columns).block(THREADS);
          launch.grid((grid.scales(rows) - 1) / SCALES_A_BLOCK + 1);
          addGrid(addScheme(launch));
          searchTables.ifPresent(launch::with);
          launch.run();
        }
        Launch launch = begin("codes", matrix, rows, columns);
        addGrid(addScheme(octetGrid(launch, rows, columns))).run();
      }
    }
  }

  /** One for some weights, or as many as run at once and walk over all: {@code nvfp4.cuh}. */
  private int groupBlocks(long weights) {
    boolean walking =
        type != DType.F32
            && scheme.rule() == DeviceScheme.Rule.CT_NV
            && scheme.storage() == (DeviceScheme.PACKED | DeviceScheme.BYTE_SCALE)
            && grid.groupColumns() == NVFP4_GROUP;
    if (!walking) {
      return Math.toIntExact((weights - 1) / WEIGHTS_A_GROUP_BLOCK + 1);
    }
    long together = (long) WALKING_BLOCKS_EACH * library.device().info().multiprocessors();
    return Math.toIntExact(Math.min((weights - 1) / WEIGHTS_A_WALKING_BLOCK + 1, together));
  }

  /** Sums of errors, {@link RowStatistics#BYTES} a row, after {@link #quantize}. */
  void statistics(MatrixOnDevice matrix, Buffer statistics, int rows, int columns) {
    if (columns % OCTET != 0 || grid.groupColumns() % OCTET != 0) {
      int rowsOfBlock = STATISTICS_THREADS / OCTET;
      Launch launch = begin("statistics", matrix, rows, columns).block(STATISTICS_THREADS);
      launch.grid((rows - 1) / rowsOfBlock + 1).with(statistics);
      addGrid(addScheme(launch)).run();
      return;
    }
    int rowsOfWarp = rowsOfWarp(rows);
    Launch launch = begin("row_sums", matrix, rows, columns).block(SUM_WARPS * WARP);
    launch.grid((rows - 1) / (SUM_WARPS * rowsOfWarp) + 1).with(statistics);
    addGrid(addScheme(launch)).with(rowsOfWarp).run();
  }

  /** Few rows get a warp each: no multiprocessor shall stand idle. The sums are the same. */
  private int rowsOfWarp(int rows) {
    int enough = WARPS_THAT_FILL * ROWS_OF_FULL_WARP * library.device().info().multiprocessors();
    return rows < enough ? 1 : ROWS_OF_FULL_WARP;
  }

  /** Weights from codes. */
  void dequantize(MatrixOnDevice matrix, Buffer out, int rows, int columns) {
    Launch launch = octetGrid(begin("dequantize", matrix, rows, columns), rows, columns);
    addGrid(addScheme(launch.with(out))).run();
  }

  /** Zero points [rows, groups], one a byte, as words down each column. */
  void packZeroPoints(Buffer zeroPoints, Buffer words, int rows) {
    long count = ((long) rows * scheme.bits() - 1) / Integer.SIZE + 1;
    long blocks = (count * grid.groups() - 1) / THREADS + 1;
    library
        .kernel(OP, "quantize_pack_zero_points")
        .launch(rows + "x" + grid.groups() + ", " + scheme)
        .grid(Math.toIntExact(blocks))
        .block(THREADS)
        .with(zeroPoints)
        .with(words)
        .with(rows)
        .with(grid.groups())
        .with(scheme.bits())
        .run();
  }

  /**
   * What follows from the range of a tensor: its two factors, and its scale where it has one.
   *
   * @param constants of the tensor: scale, zero point, record
   */
  void tensor(MatrixOnDevice constants, Buffer factors, float low, float high) {
    Launch launch = begin("tensor", constants, 1, 1).grid(1).block(1).with(factors);
    addScheme(launch).with(low).with(high).with(grid.wholeTensor() ? 1 : 0).run();
  }

  /** Extends the range of {@code keys} by {@code count} weights. */
  static void range(KernelLibrary library, DType type, Buffer weights, Buffer keys, long count) {
    long octets = (count - 1) / OCTET + 1;
    long enough =
        Math.min((octets - 1) / THREADS + 1, 2L * library.device().info().multiprocessors());
    library
        .kernel(OP, name("range", type))
        .launch(count + " of " + type)
        .grid((int) enough)
        .block(THREADS)
        .with(weights)
        .with(keys)
        .with(count)
        .run();
  }

  private Launch begin(String kernel, MatrixOnDevice matrix, int rows, int columns) {
    String what = rows + "x" + columns + " " + type + ", " + scheme + ", " + grid;
    Launch launch = library.kernel(OP, name(kernel, type)).launch(what);
    return matrix.addTo(dependent ? launch.dependent() : launch, rows, columns);
  }

  private static Launch octetGrid(Launch launch, int rows, int columns) {
    int across = (columns - 1) / (OCTET * THREADS) + 1;
    return launch.grid(across, Math.min(rows, LARGEST_GRID_Y)).block(THREADS);
  }

  private Launch addScheme(Launch launch) {
    return launch
        .with(scheme.rule().ordinal())
        .with(scheme.format().ordinal())
        .with(scheme.bits())
        .with(scheme.storage());
  }

  private Launch addGrid(Launch launch) {
    return launch.with(grid.groupRows()).with(grid.groupColumns()).with(grid.groups());
  }

  private static String name(String kernel, DType type) {
    String suffix =
        switch (type) {
          case BF16 -> "bf16";
          case F16 -> "fp16";
          case F32 -> "fp32";
          default -> throw new IllegalArgumentException("weights of type " + type);
        };
    return "quantize_" + kernel + "_" + suffix;
  }
}
