package org.sparkao.jobs.bench;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.function.LongSupplier;
import org.sparkao.gpu.GpuException;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.device.CudaEvent;
import org.sparkao.gpu.device.CudaStream;
import org.sparkao.gpu.device.DeviceInfo;
import org.sparkao.gpu.device.DeviceProbe;
import org.sparkao.gpu.device.Devices;
import org.sparkao.gpu.device.MemoryBudget;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.quantize.DeviceQuantizers;
import org.sparkao.gpu.quantize.QuantizeWorkspace;
import org.sparkao.gpu.quantize.SliceQuantizer;
import org.sparkao.jobs.bench.Benchmark.Measurement;
import org.sparkao.jobs.job.ProgramVersion;
import org.sparkao.jobs.table.BenchmarkRow.Machine;
import org.sparkao.jobs.table.BenchmarkRow.Peer;
import org.sparkao.jobs.table.BenchmarkRow.Timing;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.metric.TensorStatistics;

/**
 * The kernels that the job {@code quantize} runs, statistics too, on a whole weight in the memory
 * of the first GPU: the time between events on the device, without the copies over PCIe. Beside it
 * a copy of as many bytes within the device. The bytes and figures of the processor are compared
 * first.
 */
final class QuantizeOnGpu implements QuantizeTimer {
  private static final int WARM_UP = 3;

  private final String driver;
  private final CudaDevice device;
  private final KernelLibrary kernels;
  private final QuantizeWorkspace workspace;

  QuantizeOnGpu() {
    if (!(Devices.probe() instanceof DeviceProbe.Available available)) {
      throw new GpuException(Devices.probe().summary());
    }
    this.driver = available.driver();
    int first = available.devices().get(0).ordinal();
    this.device = CudaDevice.open(first, MemoryBudget.unlimited());
    this.kernels = KernelLibrary.of(device);
    this.workspace = QuantizeWorkspace.of(kernels);
  }

  @Override
  public Machine machine() {
    DeviceInfo info = device.info();
    return new Machine(
        info.kind().name().toLowerCase(Locale.ROOT),
        info.name(),
        info.architecture(),
        driver,
        Host.name(),
        ProgramVersion.current());
  }

  @Override
  public Measurement measure(QuantizeRequest request, byte[] source, int repeats) {
    DeviceQuantizers.unsupported(request)
        .ifPresent(
            why -> {
              throw new QuantException("--device cuda: " + why);
            });
    QuantizedWeight output = QuantizedWeight.of(request);
    requireAsOnProcessor(request, source, output);
    long bytes = source.length + output.bytes();
    Timing timing = median(repeats, () -> kernelNanos(request, source, output));
    Timing copying = copying(repeats, bytes / 2);
    return new Measurement(
        QuantizeTimer.work(request, ", with statistics, kernels alone", bytes),
        timing,
        Optional.of(new Peer("copy of as many bytes", copying.micros())));
  }

  private void requireAsOnProcessor(
      QuantizeRequest request, byte[] source, QuantizedWeight output) {
    QuantizedWeight expected = QuantizedWeight.of(request);
    TensorStatistics figures = expected.fill(request, source, Integer.MAX_VALUE);
    try (SliceQuantizer quantizer = quantizer(request, source)) {
      TensorStatistics found = output.fill(quantizer, request, source, Integer.MAX_VALUE);
      if (!Arrays.deepEquals(output.parts(), expected.parts()) || !found.equals(figures)) {
        throw new IllegalStateException(
            request.scheme().name() + ": the GPU gives other bytes than the processor");
      }
    }
  }

  private SliceQuantizer quantizer(QuantizeRequest request, byte[] source) {
    return DeviceQuantizers.create(workspace, request, QuantizedWeight.range(request, source));
  }

  private long kernelNanos(QuantizeRequest request, byte[] source, QuantizedWeight output) {
    try (SliceQuantizer quantizer = quantizer(request, source)) {
      output.fill(quantizer, request, source, Integer.MAX_VALUE);
      return quantizer.times().computeNanos();
    }
  }

  private Timing copying(int repeats, long bytes) {
    try (Buffer from = device.allocate(bytes);
        Buffer to = device.allocate(bytes);
        CudaStream stream = device.newStream();
        CudaEvent begin = device.newEvent();
        CudaEvent end = device.newEvent()) {
      return median(
          repeats,
          () -> {
            stream.record(begin);
            stream.copy(from, to);
            stream.record(end);
            end.synchronize();
            return end.nanosSince(begin);
          });
    }
  }

  private static Timing median(int repeats, LongSupplier nanos) {
    for (int i = 0; i < WARM_UP; i++) {
      nanos.getAsLong();
    }
    double[] micros = new double[repeats];
    for (int i = 0; i < repeats; i++) {
      micros[i] = nanos.getAsLong() / 1e3;
    }
    return Stopwatch.median(micros);
  }

  @Override
  public void close() {
    workspace.close();
    kernels.close();
    device.close();
  }
}
