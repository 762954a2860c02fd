package org.sparkao.jobs.bench;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.device.DeviceInfo;
import org.sparkao.jobs.bench.Benchmark.Measurement;
import org.sparkao.jobs.job.ProgramVersion;
import org.sparkao.jobs.table.BenchmarkRow.Machine;
import org.sparkao.jobs.table.BenchmarkRow.Peer;
import org.sparkao.jobs.table.BenchmarkRow.Timing;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.Quantizers;

/**
 * One thread of the processor turns weights in memory into codes, scales and statistics, in slices
 * as the job {@code quantize} does. Beside it a plain copy of as many bytes.
 */
final class QuantizeOnCpu implements QuantizeTimer {
  private static final int SLICE_BYTES = 2 << 20;

  @Override
  public Machine machine() {
    try (CpuDevice processor = CpuDevice.open()) {
      DeviceInfo info = processor.info();
      return new Machine(
          info.kind().name().toLowerCase(Locale.ROOT),
          info.multiprocessors() + " processors, " + Quantizers.kernels(),
          info.architecture(),
          "Java " + Runtime.version(),
          Host.name(),
          ProgramVersion.current());
    }
  }

  @Override
  public Measurement measure(QuantizeRequest request, byte[] source, int repeats) {
    QuantizedWeight output = QuantizedWeight.of(request);
    requireSameHoweverCut(request, source, output);
    long bytes = source.length + output.bytes();
    Timing timing = Stopwatch.median(repeats, () -> output.fill(request, source, SLICE_BYTES));
    byte[] copy = new byte[source.length];
    int half = (int) (bytes / 2);
    Timing copying = Stopwatch.median(repeats, () -> System.arraycopy(source, 0, copy, 0, half));
    String how = ", 1 thread, slices of " + (SLICE_BYTES >> 20) + " MiB";
    return new Measurement(
        QuantizeTimer.work(request, how, bytes),
        timing,
        Optional.of(new Peer("copy of as many bytes", copying.micros())));
  }

  /** What is timed gives the same bytes however the rows are cut, or the time means nothing. */
  private static void requireSameHoweverCut(
      QuantizeRequest request, byte[] source, QuantizedWeight output) {
    output.fill(request, source, SLICE_BYTES);
    QuantizedWeight whole = QuantizedWeight.of(request);
    whole.fill(request, source, Integer.MAX_VALUE);
    if (!Arrays.deepEquals(output.parts(), whole.parts())) {
      throw new IllegalStateException(
          request.scheme().name() + ": the bytes depend on how the rows are cut");
    }
  }

  @Override
  public void close() {}
}
