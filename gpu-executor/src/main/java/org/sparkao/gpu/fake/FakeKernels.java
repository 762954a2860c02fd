package org.sparkao.gpu.fake;

import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.module.Launch;
import org.sparkao.gpu.quantize.DeviceGrid;
import org.sparkao.gpu.quantize.DeviceScheme;
import org.sparkao.gpu.tensor.CudaTensor;
import org.sparkao.gpu.tensor.Parameter;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.QuantArgs;

/** The launches of {@code fake.cu} for one request. */
final class FakeKernels {
  static final String OP = "fake";

  private static final int THREADS = 256;
  private static final int WARP = 32;
  private static final int EACH = 4;
  private static final int FEWEST_THREADS = 4;
  private static final int LONG_ROW = 1024;
  private static final int MANY_TEAMS = 4096;

  private final KernelLibrary library;
  private final DeviceScheme scheme;
  private final DeviceGrid grid;
  private final String stored;
  private final int columns;

  FakeKernels(KernelLibrary library, QuantizeRequest request) {
    this.library = library;
    this.columns = Math.toIntExact(request.weight().columns());
    this.scheme = DeviceScheme.of(request);
    this.grid = DeviceGrid.of(request.scheme().weights().granularity(), columns);
    this.stored = name(WeightType.valueOf(request.weight().dtype().name()));
  }

  /** Of inputs of a linear layer, [rows, columns]. */
  static FakeKernels ofInputs(
      KernelLibrary library, QuantArgs activations, Numerics numerics, int rows, int columns) {
    return new FakeKernels(
        library, InputScheme.request(activations, numerics, DType.F32, rows, columns));
  }

  /**
   * Where scales come from.
   *
   * @param learned [bands, groups]; empty where they follow from the numbers
   * @param zeroPoints the same shape, where they are learned
   * @param tensor what {@link #tensor} made, where there is something of the tensor as a whole
   */
  record Source(Optional<Buffer> learned, Optional<Buffer> zeroPoints, Optional<Buffer> tensor) {
    /** From the numbers of each group. */
    static final Source OF_GROUPS =
        new Source(Optional.empty(), Optional.empty(), Optional.empty());

    static Source of(LearnedScales scales) {
      return new Source(
          Optional.of(buffer(scales.scale())),
          scales.zeroPoint().map(Source::buffer),
          Optional.empty());
    }

    private static Buffer buffer(Parameter parameter) {
      return CudaTensor.of(parameter.value()).buffer();
    }
  }

  /** to = dequantize(quantize(x)). */
  void forward(CudaTensor x, Source source, CudaTensor to) {
    String kernel = "_forward_" + name(x.type()) + "_" + stored + "_" + name(to.type());
    begin(kernel, x, source).with(to.buffer()).run();
  }

  /** Zeros into the gradient where x was cut off. */
  void cutOff(CudaTensor x, Source source, CudaTensor gradient) {
    String kernel = "_cut_off_" + name(x.type()) + "_" + stored + "_" + name(gradient.type());
    begin(kernel, x, source).with(gradient.buffer()).run();
  }

  /**
   * The same where scales are learned; everything in fp32.
   *
   * @param sums [rows, groups] pairs of fp64, overwritten
   */
  void backward(CudaTensor x, Source source, CudaTensor gradient, Buffer sums) {
    begin("_backward_" + stored, x, source).with(gradient.buffer()).with(sums).run();
  }

  /** Adds the sums to the gradients of scales and zero points. */
  void addSums(Buffer sums, LearnedScales scales, int rows) {
    int bands = (rows - 1) / scales.bandRows() + 1;
    int blocks = (bands * grid.groups() - 1) / THREADS + 1;
    Launch launch =
        library
            .kernel(OP, OP + "_add_sums")
            .launch(rows + " rows, " + grid)
            .grid(blocks)
            .block(THREADS)
            .with(sums)
            .with(CudaTensor.of(scales.scale().gradient()).buffer());
    add(launch, scales.zeroPoint().map(learned -> CudaTensor.of(learned.gradient()).buffer()));
    launch.with(rows).with(grid.groups()).with(scales.bandRows()).with(scales.factor()).run();
  }

  /** What follows from the range of a tensor: 16 bytes. */
  void tensor(Buffer keys, Buffer to) {
    Launch launch = library.kernel(OP, OP + "_tensor_" + stored).launch(scheme.toString());
    addScheme(launch.grid(1).block(1).with(keys).with(to)).run();
  }

  /** Bytes of the sums of {@code rows} rows. */
  long sumBytes(int rows) {
    return 2L * Double.BYTES * rows * grid.groups();
  }

  private Launch begin(String kernel, CudaTensor x, Source source) {
    int rows = x.rows();
    boolean byRow = grid.wholeTensor() || source.learned().isPresent();
    int teamRows = byRow ? 1 : grid.groupRows();
    long teams = ((long) rows - 1) / teamRows * grid.groups() + grid.groups();
    int threads = teamThreads(teamRows, teams);
    Launch launch =
        library
            .kernel(OP, OP + kernel)
            .launch(rows + "x" + columns + ", " + scheme + ", " + grid)
            .grid(Math.toIntExact((teams * threads - 1) / THREADS + 1))
            .block(THREADS)
            .with(x.buffer());
    add(launch, source.learned());
    add(launch, source.zeroPoints());
    add(launch, source.tensor());
    launch.with(rows).with(columns);
    return addScheme(launch)
        .with(grid.groupRows())
        .with(grid.groupColumns())
        .with(grid.groups())
        .with(teamRows)
        .with(threads);
  }

  /** Sums have an order that follows from this, so it looks at shapes alone. */
  private int teamThreads(int teamRows, long teams) {
    if (teamRows > 1 || grid.groupColumns() >= LONG_ROW && teams < MANY_TEAMS) {
      return THREADS;
    }
    int threads = FEWEST_THREADS;
    while (threads < WARP && threads * EACH < grid.groupColumns()) {
      threads *= 2;
    }
    return threads;
  }

  private Launch addScheme(Launch launch) {
    return launch
        .with(scheme.rule().ordinal())
        .with(scheme.format().ordinal())
        .with(scheme.bits())
        .with(scheme.storage());
  }

  private static void add(Launch launch, Optional<Buffer> buffer) {
    if (buffer.isPresent()) {
      launch.with(buffer.get());
    } else {
      launch.withNull();
    }
  }

  private static String name(WeightType type) {
    return switch (type) {
      case BF16 -> "bf16";
      case F16 -> "fp16";
      case F32 -> "fp32";
    };
  }
}
