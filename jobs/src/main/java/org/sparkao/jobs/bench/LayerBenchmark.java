package org.sparkao.jobs.bench;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.device.DeviceInfo.Kind;
import org.sparkao.gpu.device.Devices;
import org.sparkao.gpu.device.MemoryBudget;
import org.sparkao.gpu.layer.AttentionLayer;
import org.sparkao.gpu.layer.AttentionLayer.Part;
import org.sparkao.gpu.layer.LayerOperators;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.table.BenchmarkRow.Machine;
import org.sparkao.jobs.table.BenchmarkRow.Peer;
import org.sparkao.jobs.table.BenchmarkRow.Timing;
import org.sparkao.jobs.table.BenchmarkRow.Work;

/**
 * The attention half of a layer of Llama-3 70B on a GPU: each part alone, in a chain of itself that
 * is captured as a graph; then the layer, with such a graph and without. Weights and caches come
 * from memory, never from a cache of the GPU. The peer of a layer is the sum of its parts' times.
 */
final class LayerBenchmark implements Benchmark {
  private static final int LEAST_REPEATS = 25;
  private static final int LEAST_CALLS = 24;
  private static final String CHAIN = "fp8, dependent launches, ";

  @Override
  public String name() {
    return "layer";
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
    LayerTrial trial = LayerTrial.of(config);
    int repeats = Math.max(LEAST_REPEATS, config.value(BenchKeys.REPEATS));
    int ordinal = Devices.probe().devices().get(0).ordinal();
    try (CudaDevice gpu = CudaDevice.open(ordinal, MemoryBudget.unlimited());
        KernelLibrary library = KernelLibrary.of(gpu)) {
      LayerOperators operators = LayerOperators.cuda(library);
      try (LayerProjections weights = LayerProjections.beyondCaches(operators, trial.shape())) {
        for (int m : trial.rows()) {
          new Run(trial, gpu, operators, weights, repeats).measure(m, measured);
        }
      }
    }
  }

  /** A trial on a GPU. */
  private record Run(
      LayerTrial trial,
      CudaDevice gpu,
      LayerOperators operators,
      LayerProjections weights,
      int repeats) {

    void measure(int m, Consumer<Measurement> measured) {
      AttentionLayer.Size size =
          new AttentionLayer.Size(trial.shape(), LayerTrial.CACHE, m, trial.context());
      try (LayerRows rows = LayerRows.beyondCaches(gpu, trial, m);
          AttentionLayer layer = new AttentionLayer(operators, size)) {
        layer.run(weights.copy(0), rows.call(0));
        new LayerSample(trial, weights).check(rows, m);
        int calls = calls(rows);
        DeviceClock clock = new DeviceClock(gpu);
        double sum = 0;
        for (Part part : Part.values()) {
          Timing timing =
              clock.median(calls, repeats, i -> layer.run(part, weights.copy(i), rows.call(i)));
          sum += timing.micros();
          measured.accept(new Measurement(work(part, m), timing, Optional.empty()));
        }
        Optional<Peer> parts = Optional.of(new Peer("sum of its parts", sum));
        Timing graph = clock.median(calls, repeats, i -> layer.run(weights.copy(i), rows.call(i)));
        measured.accept(new Measurement(work(m, "captured as a graph"), graph, parts));
        Timing launches =
            clock.medianOfLaunches(calls, repeats, i -> layer.run(weights.copy(i), rows.call(i)));
        measured.accept(new Measurement(work(m, "without a graph"), launches, parts));
      }
    }

    /** So many that every copy comes as often as the others. */
    private int calls(LayerRows rows) {
      int copies = leastCommonMultiple(weights.copies(), rows.copies());
      return (LEAST_CALLS + copies - 1) / copies * copies;
    }

    private Work work(Part part, int m) {
      String how =
          switch (part) {
            case QKV -> operators.gemm().plan(weights.copy(0).qkv(), m);
            case OUTPUT -> operators.gemm().plan(weights.copy(0).output(), m);
            default -> CHAIN + "captured as a graph";
          };
      return new Work(
          "layer-" + part.name().toLowerCase(Locale.ROOT).replace('_', '-'),
          trial.label(m),
          how,
          trial.bytes(part, m),
          trial.operations(part, m));
    }

    private Work work(int m, String how) {
      return new Work(
          "layer",
          trial.label(m),
          CHAIN + how,
          Arrays.stream(Part.values()).mapToLong(part -> trial.bytes(part, m)).sum(),
          Arrays.stream(Part.values()).mapToLong(part -> trial.operations(part, m)).sum());
    }
  }

  private static int leastCommonMultiple(int a, int b) {
    int multiple = a;
    while (multiple % b != 0) {
      multiple += a;
    }
    return multiple;
  }
}
