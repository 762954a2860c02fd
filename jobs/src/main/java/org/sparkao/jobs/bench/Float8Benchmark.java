package org.sparkao.jobs.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.device.DeviceInfo.Kind;
import org.sparkao.gpu.device.Devices;
import org.sparkao.gpu.device.MemoryBudget;
import org.sparkao.gpu.model.Arithmetic;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.train.Float8;
import org.sparkao.gpu.train.TrainingOperators;
import org.sparkao.gpu.train.cuda.CudaTrainingOperators;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.table.BenchmarkRow.Machine;
import org.sparkao.jobs.table.BenchmarkRow.Peer;
import org.sparkao.jobs.table.BenchmarkRow.Timing;
import org.sparkao.jobs.table.BenchmarkRow.Work;

/**
 * Forward and backward of the linear layers of a block of Llama-3.1 8B in training, with fp32
 * weights and bf16 states: in bf16, and in fp8 with all that makes fp8 operands. Layers that read
 * the same are one, as in training. Checked against bf16 at a small size.
 */
final class Float8Benchmark implements Benchmark {
  private static final List<Integer> TOKENS = List.of(16384, 8192);
  private static final List<LinearPass.Shape> LAYERS =
      List.of(
          new LinearPass.Shape(6144, 4096),
          new LinearPass.Shape(4096, 4096),
          new LinearPass.Shape(28672, 4096),
          new LinearPass.Shape(4096, 14336));
  private static final int CHECKED_TOKENS = 300;
  private static final LinearPass.Shape CHECKED = new LinearPass.Shape(272, 384);

  @Override
  public String name() {
    return "float8";
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
    List<Integer> given = config.all(BenchKeys.M);
    int ordinal = Devices.probe().devices().get(0).ordinal();
    try (CudaDevice gpu = CudaDevice.open(ordinal, MemoryBudget.unlimited());
        KernelLibrary library = KernelLibrary.of(gpu);
        TrainingOperators operators = new CudaTrainingOperators(library, Arithmetic.BF16)) {
      check(operators);
      for (int tokens : given.isEmpty() ? TOKENS : given) {
        measure(operators, gpu, tokens, config.value(BenchKeys.REPEATS), measured);
      }
    }
  }

  /**
   * A code in E4M3 is off by 2.4 % of normal numbers in the root of the mean of squares, one in
   * E5M2 by 4.7 %: 3.3 % of a product, 5.3 % of gradients.
   */
  private static void check(TrainingOperators operators) {
    List<float[]> expected = results(operators, Float8.NONE);
    for (Float8 scaling : List.of(Float8.TENSORWISE, Float8.ROWWISE)) {
      List<float[]> found = results(operators, scaling);
      for (int i = 0; i < found.size(); i++) {
        double error = error(found.get(i), expected.get(i));
        if (!(error < (i == 0 ? 0.05 : 0.09))) {
          throw new IllegalStateException(
              scaling.configName() + ": result " + i + " is off by " + error + " of its norm");
        }
      }
    }
  }

  private static List<float[]> results(TrainingOperators operators, Float8 scaling) {
    try (LinearPass pass = new LinearPass(operators, CHECKED, CHECKED_TOKENS)) {
      pass.use(scaling);
      pass.run();
      return pass.results();
    }
  }

  private static double error(float[] found, float[] expected) {
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < found.length; i++) {
      difference += Math.pow((double) found[i] - expected[i], 2);
      norm += Math.pow(expected[i], 2);
    }
    return Math.sqrt(difference / norm);
  }

  private void measure(
      TrainingOperators operators,
      CudaDevice gpu,
      int tokens,
      int repeats,
      Consumer<Measurement> measured) {
    List<LinearPass> passes = new ArrayList<>();
    try {
      LAYERS.forEach(shape -> passes.add(new LinearPass(operators, shape, tokens)));
      Optional<Peer> peer = Optional.empty();
      for (Float8 scaling : Float8.values()) {
        passes.forEach(pass -> pass.use(scaling));
        Timing timing =
            new DeviceClock(gpu).median(1, repeats, i -> passes.forEach(LinearPass::run));
        String name = scaling == Float8.NONE ? "bf16" : "float8 " + scaling.configName();
        String shape = String.format(Locale.ROOT, "block of Llama-3.1 8B, %,d tokens", tokens);
        long operations = passes.stream().mapToLong(LinearPass::operations).sum();
        measured.accept(
            new Measurement(new Work(name(), shape, name, 0, operations), timing, peer));
        if (scaling == Float8.NONE) {
          peer = Optional.of(new Peer(name, timing.micros()));
        }
      }
    } finally {
      passes.forEach(LinearPass::close);
    }
  }
}
