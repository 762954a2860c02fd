package org.sparkao.jobs.bench;

import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;
import org.sparkao.gpu.device.DeviceInfo.Kind;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.table.BenchmarkRow.Machine;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.Quantizers;
import org.sparkao.quant.algorithm.WeightAlgorithm;
import org.sparkao.quant.algorithm.WeightSpec;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.QuantScheme;

/** A bf16 weight in memory becomes codes, scales and statistics. */
final class QuantizeBenchmark implements Benchmark {
  private static final List<String> SCHEMES = List.of("FP8_DYNAMIC", "FP8_BLOCK", "W8A8", "W4A16");
  private static final long SEED = 1;

  @Override
  public String name() {
    return "quantize";
  }

  @Override
  public Set<Kind> devices() {
    return Set.of(Kind.CPU, Kind.CUDA);
  }

  @Override
  public Machine machine(Kind device) {
    try (QuantizeTimer timer = timer(device)) {
      return timer.machine();
    }
  }

  private static QuantizeTimer timer(Kind device) {
    return device == Kind.CUDA ? new QuantizeOnGpu() : new QuantizeOnCpu();
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
    try (QuantizeTimer timer = timer(device)) {
      for (QuantizeRequest request : requests) {
        measured.accept(timer.measure(request, source, config.value(BenchKeys.REPEATS)));
      }
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

  /** bf16 of a normal distribution. */
  static byte[] normal(int bytes) {
    Random random = new Random(SEED);
    byte[] weights = new byte[bytes];
    for (int i = 0; i < bytes; i += 2) {
      int bits = Float.floatToRawIntBits((float) random.nextGaussian()) >>> 16;
      weights[i] = (byte) bits;
      weights[i + 1] = (byte) (bits >>> 8);
    }
    return weights;
  }
}
