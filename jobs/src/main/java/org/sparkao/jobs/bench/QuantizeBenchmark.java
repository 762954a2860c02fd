package org.sparkao.jobs.bench;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.device.DeviceInfo;
import org.sparkao.gpu.device.DeviceInfo.Kind;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.job.ProgramVersion;
import org.sparkao.jobs.table.BenchmarkRow.Machine;
import org.sparkao.jobs.table.BenchmarkRow.Peer;
import org.sparkao.jobs.table.BenchmarkRow.Timing;
import org.sparkao.jobs.table.BenchmarkRow.Work;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.Quantizers;
import org.sparkao.quant.algorithm.TensorQuantizer;
import org.sparkao.quant.algorithm.WeightAlgorithm;
import org.sparkao.quant.algorithm.WeightSpec;
import org.sparkao.quant.observe.TensorRange;
import org.sparkao.quant.pack.PackedPart;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.QuantScheme;

/**
 * One thread of the processor turns a bf16 weight in memory into codes, scales and statistics, in
 * slices as the job {@code quantize} does. Beside it a plain copy of as many bytes.
 */
final class QuantizeBenchmark implements Benchmark {
  private static final List<String> SCHEMES = List.of("FP8_DYNAMIC", "FP8_BLOCK", "W8A8", "W4A16");
  private static final int SLICE_BYTES = 2 << 20;
  private static final long SEED = 1;

  @Override
  public String name() {
    return "quantize";
  }

  @Override
  public Set<Kind> devices() {
    return Set.of(Kind.CPU);
  }

  @Override
  public Machine machine(Kind device) {
    try (CpuDevice processor = CpuDevice.open()) {
      DeviceInfo info = processor.info();
      return new Machine(
          device.name().toLowerCase(Locale.ROOT),
          info.multiprocessors() + " processors, " + Quantizers.kernels(),
          info.architecture(),
          "Java " + Runtime.version(),
          Host.name(),
          ProgramVersion.current());
    }
  }

  @Override
  public void run(Config config, Kind device, Consumer<Measurement> measured) {
    List<QuantScheme> schemes = config.all(BenchKeys.SCHEME);
    int rows = config.value(BenchKeys.ROWS);
    int columns = config.value(BenchKeys.COLUMNS);
    long bytes = 2L * rows * columns;
    if (bytes > Integer.MAX_VALUE - 8) {
      throw new QuantException(
          "--rows " + rows + " --columns " + columns + ": more than 2 GiB of bf16 weights");
    }
    WeightSpec weight = new WeightSpec(rows, columns, DType.BF16);
    byte[] source = normal((int) bytes);
    List<QuantizeRequest> requests =
        (schemes.isEmpty() ? SCHEMES.stream().map(BenchKeys.SCHEME::parse).toList() : schemes)
            .stream().map(scheme -> request(scheme, weight)).toList();
    requests.forEach(Quantizers::parts);
    for (QuantizeRequest request : requests) {
      measured.accept(measure(request, source, config.value(BenchKeys.REPEATS)));
    }
  }

  private static QuantizeRequest request(QuantScheme scheme, WeightSpec weight) {
    return new QuantizeRequest(
        scheme,
        CheckpointLayout.COMPRESSED_TENSORS,
        Numerics.COMPRESSED_TENSORS,
        WeightAlgorithm.RTN,
        weight);
  }

  private static Measurement measure(QuantizeRequest request, byte[] source, int repeats) {
    Output output = new Output(Quantizers.parts(request));
    requireSameHoweverCut(request, source, output);
    long bytes = source.length + output.bytes();
    Timing timing = Stopwatch.median(repeats, () -> quantize(request, source, SLICE_BYTES, output));
    byte[] copy = new byte[source.length];
    int half = (int) (bytes / 2);
    Timing copying = Stopwatch.median(repeats, () -> System.arraycopy(source, 0, copy, 0, half));
    WeightSpec weight = request.weight();
    return new Measurement(
        new Work(
            "quantize",
            weight.rows() + "x" + weight.columns() + " bf16",
            request.scheme().name() + ", 1 thread, slices of " + (SLICE_BYTES >> 20) + " MiB",
            bytes,
            0),
        timing,
        Optional.of(new Peer("copy of as many bytes", copying.micros())));
  }

  /** What is timed gives the same bytes however the rows are cut, or the time means nothing. */
  private static void requireSameHoweverCut(QuantizeRequest request, byte[] source, Output output) {
    quantize(request, source, SLICE_BYTES, output);
    Output whole = new Output(Quantizers.parts(request));
    quantize(request, source, Integer.MAX_VALUE, whole);
    if (!Arrays.deepEquals(output.parts, whole.parts)) {
      throw new IllegalStateException(
          request.scheme().name() + ": the bytes depend on how the rows are cut");
    }
  }

  private static void quantize(
      QuantizeRequest request, byte[] source, int sliceBytes, Output output) {
    WeightSpec weight = request.weight();
    int weights = Math.toIntExact(weight.rows() * weight.columns());
    Optional<TensorRange> range =
        request.scheme().needsTensorRange()
            ? Optional.of(Quantizers.range(source, 0, weights, weight.dtype()))
            : Optional.empty();
    TensorQuantizer quantizer = Quantizers.create(request, range);
    int rowBytes = Math.toIntExact(weight.rowBytes());
    long multiple = quantizer.sliceRowMultiple();
    long step = Math.max(1, sliceBytes / rowBytes / multiple) * multiple;
    for (long row = 0; row < weight.rows(); row += step) {
      int rows = (int) Math.min(step, weight.rows() - row);
      quantizer.quantize(source, (int) row * rowBytes, row, rows, output.slice());
      output.keep(row, row + rows);
    }
  }

  /** bf16 of a normal distribution. */
  private static byte[] normal(int bytes) {
    Random random = new Random(SEED);
    byte[] weights = new byte[bytes];
    for (int i = 0; i < bytes; i += 2) {
      int bits = Float.floatToRawIntBits((float) random.nextGaussian()) >>> 16;
      weights[i] = (byte) bits;
      weights[i + 1] = (byte) (bits >>> 8);
    }
    return weights;
  }

  /** The parts of a weight, whole, and room for a slice of each. */
  private static final class Output {
    private final List<PackedPart> list;
    private final byte[][] parts;
    private final byte[][] slice;

    Output(List<PackedPart> list) {
      this.list = list;
      this.parts = new byte[list.size()][];
      this.slice = new byte[list.size()][];
      for (int i = 0; i < parts.length; i++) {
        parts[i] = new byte[Math.toIntExact(list.get(i).bytes())];
        slice[i] = new byte[parts[i].length];
      }
    }

    long bytes() {
      return Arrays.stream(parts).mapToLong(part -> part.length).sum();
    }

    byte[][] slice() {
      return slice;
    }

    /** Puts the slice of rows [begin, end) where it belongs. */
    void keep(long begin, long end) {
      for (int i = 0; i < parts.length; i++) {
        int at = (int) list.get(i).offset(begin);
        System.arraycopy(slice[i], 0, parts[i], at, (int) list.get(i).offset(end) - at);
      }
    }
  }
}
