package org.sparkao.jobs.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.BusyTime;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.device.DeviceInfo.Kind;
import org.sparkao.gpu.device.Devices;
import org.sparkao.gpu.device.MemoryBudget;
import org.sparkao.gpu.gptq.CudaGptq;
import org.sparkao.gpu.model.Arithmetic;
import org.sparkao.gpu.model.BlockInputs;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.observe.DeviceBlockObserver;
import org.sparkao.gpu.observe.ObserveScratch;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.table.BenchmarkRow.Machine;
import org.sparkao.jobs.table.BenchmarkRow.Timing;
import org.sparkao.jobs.table.BenchmarkRow.Work;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.RangeChoice;
import org.sparkao.quant.algorithm.WeightAlgorithm;
import org.sparkao.quant.algorithm.WeightSpec;
import org.sparkao.quant.calibrated.ActOrder;
import org.sparkao.quant.calibrated.CpuGptq;
import org.sparkao.quant.calibrated.Gptq;
import org.sparkao.quant.calibrated.Gptq.GptqQuantizer;
import org.sparkao.quant.calibrated.Gptq.Prepared;
import org.sparkao.quant.calibrated.GptqOptions;
import org.sparkao.quant.calibrated.SecondMoments;
import org.sparkao.quant.format.NumberFormats;
import org.sparkao.quant.observe.InputObserver.Products;
import org.sparkao.quant.pack.PackedPart;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.Schemes;

/**
 * The parts of GPTQ W4A16 of one block of Llama-3.1 8B on a GPU: statistics of a sequence, their
 * copy to the host, the factor from them, and each size of weight with all that the host does for
 * it. Checked against the processor at a size that it does quickly.
 */
final class GptqBenchmark implements Benchmark {
  private static final int TOKENS = 2048;
  private static final int CHECKED = 384;
  private static final String SCHEME = "W4A16";
  private static final GptqOptions OPTIONS =
      new GptqOptions(ActOrder.STATIC, GptqOptions.DEFAULT_DAMPING);

  /** Rows of the weights that read inputs of a width. */
  private record Width(int columns, List<Integer> rows) {}

  private static final List<Width> WIDTHS =
      List.of(new Width(4096, List.of(1024, 4096, 14336)), new Width(14336, List.of(4096)));

  @Override
  public String name() {
    return "gptq";
  }

  @Override
  public Set<Kind> devices() {
    return Set.of(Kind.CUDA);
  }

  @Override
  public Machine machine(Kind device) {
    return Host.gpu();
  }

  @Override
  public void run(Config config, Kind device, Consumer<Measurement> measured) {
    int ordinal = Devices.probe().devices().get(0).ordinal();
    try (CudaDevice gpu = CudaDevice.open(ordinal, MemoryBudget.unlimited());
        KernelLibrary library = KernelLibrary.of(gpu)) {
      check(library);
      for (Width width : WIDTHS) {
        new Run(gpu, library, width.columns(), config.value(BenchKeys.REPEATS), measured)
            .measure(width.rows());
      }
    }
  }

  private static void check(KernelLibrary library) {
    Random random = new Random(1);
    float[] h = new float[CHECKED * CHECKED];
    for (int i = 0; i < CHECKED; i++) {
      for (int j = i; j < CHECKED; j++) {
        h[i * CHECKED + j] = i == j ? CHECKED : (float) random.nextGaussian();
      }
    }
    SecondMoments inputs = SecondMoments.of(h, CHECKED);
    byte[] weights = QuantizeBenchmark.normal(2 * CHECKED * CHECKED);
    List<byte[]> expected = codes(new CpuGptq(), inputs, weights);
    List<byte[]> found = codes(new CudaGptq(library, new BusyTime()), inputs, weights);
    for (int i = 0; i < expected.size(); i++) {
      if (!Arrays.equals(found.get(i), expected.get(i))) {
        throw new IllegalStateException("part " + i + " is not that of the processor");
      }
    }
  }

  private static List<byte[]> codes(Gptq gptq, SecondMoments inputs, byte[] weights) {
    try (Prepared prepared = gptq.prepare(inputs, OPTIONS)) {
      return quantize(gptq, prepared, CHECKED, CHECKED, weights);
    }
  }

  /** Slice by slice, as a job does it. */
  private static List<byte[]> quantize(
      Gptq gptq, Prepared prepared, int rows, int columns, byte[] weights) {
    QuantizeRequest request =
        new QuantizeRequest(
            Schemes.parse(SCHEME),
            CheckpointLayout.COMPRESSED_TENSORS,
            Numerics.COMPRESSED_TENSORS,
            WeightAlgorithm.RTN,
            new WeightSpec(rows, columns, DType.BF16));
    GptqQuantizer quantizer = gptq.quantizer(request, RangeChoice.of(Optional.empty()), prepared);
    int rowBytes = 2 * columns;
    int step = Math.max(1, quantizer.sliceBytes() / rowBytes);
    List<byte[]> last = new ArrayList<>();
    for (int row = 0; row < rows; row += step) {
      int end = Math.min(rows, row + step);
      last.clear();
      for (PackedPart part : quantizer.parts()) {
        last.add(new byte[(int) (part.offset(end) - part.offset(row))]);
      }
      quantizer.quantize(weights, row * rowBytes, row, end - row, last.toArray(byte[][]::new));
    }
    return last;
  }

  /** The measurements of one width. */
  private record Run(
      CudaDevice gpu,
      KernelLibrary library,
      int columns,
      int repeats,
      Consumer<Measurement> measured) {

    void measure(List<Integer> rowCounts) {
      float[] products = products();
      Gptq gptq = new CudaGptq(library, new BusyTime());
      SecondMoments inputs = SecondMoments.of(products, columns);
      long begin = System.nanoTime();
      try (Prepared prepared = gptq.prepare(inputs, OPTIONS)) {
        report("gptq-factor", "K " + columns, begin, 4L * columns * columns, operations(columns));
        for (int rows : rowCounts) {
          byte[] weights = QuantizeBenchmark.normal(2 * rows * columns);
          quantize(gptq, prepared, Math.min(rows, 256), columns, weights);
          long start = System.nanoTime();
          quantize(gptq, prepared, rows, columns, weights);
          long operations = (long) rows * columns * columns;
          report("gptq-weight", rows + "x" + columns, start, 2L * rows * columns, operations);
        }
      }
    }

    private static long operations(long k) {
      return 2 * k * k * k / 3;
    }

    private float[] products() {
      BlockInputs.Input input =
          new BlockInputs.Input("x", columns, List.of("x"), OptionalInt.empty());
      BlockInputs block = new BlockInputs("block", List.of(input));
      try (RandomBuffers random = new RandomBuffers(gpu, 1);
          ObserveScratch scratch =
              new ObserveScratch(library, Arithmetic.BF16, List.of(block), TOKENS);
          DeviceBlockObserver observer =
              new DeviceBlockObserver(scratch, block, Products.SUMMED, Optional.empty())) {
        Buffer x = random.normal(NumberFormats.BF16, 1, (long) TOKENS * columns);
        Timing timing =
            new DeviceClock(gpu)
                .medianOfLaunches(
                    1, repeats, i -> observer.input("x", x, TOKENS, Optional.empty()));
        long operations = (long) TOKENS * columns * columns;
        Work work =
            new Work(
                "gptq-observe",
                TOKENS + "x" + columns + " bf16",
                "all statistics of a sequence",
                2L * TOKENS * columns,
                operations);
        measured.accept(new Measurement(work, timing, Optional.empty()));
        long begin = System.nanoTime();
        float[] products = observer.sums().inputs().get("x").crossProducts().orElseThrow();
        report("gptq-read", columns + "x" + columns, begin, 4L * columns * columns, 0);
        return products;
      }
    }

    /** By the wall clock, once: all of it takes long. */
    private void report(String op, String shape, long begin, long bytes, long operations) {
      Timing timing = new Timing((System.nanoTime() - begin) / 1e3, 1);
      Work work = new Work(op, shape, SCHEME + ", wall clock, host included", bytes, operations);
      measured.accept(new Measurement(work, timing, Optional.empty()));
    }
  }
}
