package org.sparkao.jobs.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.device.DeviceInfo.Kind;
import org.sparkao.gpu.device.Devices;
import org.sparkao.gpu.device.MemoryBudget;
import org.sparkao.gpu.gemm.Gemm;
import org.sparkao.gpu.gemm.GemmWeights;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.table.BenchmarkRow.Machine;
import org.sparkao.jobs.table.BenchmarkRow.Peer;
import org.sparkao.jobs.table.BenchmarkRow.Timing;
import org.sparkao.jobs.table.BenchmarkRow.Work;

/**
 * Matrix products on a GPU, in a chain captured as a graph, over copies of the weights that no
 * cache holds. Beside each the time in which a copy within the device moves as many bytes.
 */
final class GemmBenchmark implements Benchmark {
  private static final int LEAST_REPEATS = 25;

  @Override
  public String name() {
    return "gemm";
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
    List<GemmTrial> trials = GemmTrials.of(config);
    int repeats = Math.max(LEAST_REPEATS, config.value(BenchKeys.REPEATS));
    int ordinal = Devices.probe().devices().get(0).ordinal();
    try (CudaDevice gpu = CudaDevice.open(ordinal, MemoryBudget.unlimited());
        KernelLibrary library = KernelLibrary.of(gpu)) {
      double copyRate = new DeviceClock(gpu).copyRate(repeats);
      for (GemmTrial trial : trials) {
        new Run(trial, gpu, library, repeats, copyRate).measure(measured);
      }
    }
  }

  /** One trial on a GPU. */
  private record Run(
      GemmTrial trial, CudaDevice gpu, KernelLibrary library, int repeats, double copyRate) {

    void measure(Consumer<Measurement> measured) {
      Gemm gemm = trial.gemm();
      GemmFamily.Multiplier multiplier = trial.family().onGpu(library);
      List<GemmWeights> copies = new ArrayList<>();
      try (GemmOperands operands = new GemmOperands(gpu, trial);
          Buffer workspace = gpu.allocate(multiplier.workspaceBytes(gemm, trial.mostRows()))) {
        long held = 0;
        while (copies.isEmpty() || held < DeviceClock.BEYOND_CACHES) {
          copies.add(multiplier.prepare(gemm, operands.matrix()));
          held += copies.get(0).bytes();
        }
        for (int m : trial.rows()) {
          multiplier.multiply(copies.get(0), operands.call(m, 0), workspace);
          new GemmSample(trial, gpu).check(operands.matrix(), operands.call(m, 0));
          int rounds = (trial.family().calls() + copies.size() - 1) / copies.size();
          Timing timing =
              new DeviceClock(gpu)
                  .median(
                      rounds * copies.size(),
                      repeats,
                      i ->
                          multiplier.multiply(
                              copies.get(i % copies.size()), operands.call(m, i), workspace));
          String how = multiplier.plan(copies.get(0), m);
          measured.accept(measurement(m, operands.bytes(m), how, timing));
        }
      } finally {
        copies.forEach(GemmWeights::close);
      }
    }

    private Measurement measurement(int m, long bytes, String how, Timing timing) {
      Gemm gemm = trial.gemm();
      return new Measurement(
          new Work(
              "gemm-" + trial.family().configName(),
              m + "x" + gemm.name(),
              gemm.operands().label() + ", " + how,
              bytes,
              2L * m * gemm.n() * gemm.k()),
          timing,
          Optional.of(new Peer("as many bytes at the copy rate", bytes / copyRate)));
    }
  }
}
