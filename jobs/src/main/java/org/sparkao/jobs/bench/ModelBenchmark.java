package org.sparkao.jobs.bench;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.device.DeviceInfo.Kind;
import org.sparkao.gpu.device.Devices;
import org.sparkao.gpu.device.MemoryBudget;
import org.sparkao.gpu.model.ModelOperators;
import org.sparkao.gpu.model.Operation;
import org.sparkao.gpu.model.cuda.CudaModelOperators;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.jobs.bench.ModelPass.Part;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.table.BenchmarkRow.Machine;
import org.sparkao.jobs.table.BenchmarkRow.Timing;
import org.sparkao.jobs.table.BenchmarkRow.Work;
import org.sparkao.quant.scheme.QuantScheme;

/**
 * Llama-3.1 8B with random weights on a GPU: steps of decoding, each one graph, or prompts. Tokens
 * a second and the peak of memory stand in the configuration of a row; parts of all layers are
 * timed alone beside it.
 */
final class ModelBenchmark implements Benchmark {
  private static final List<Integer> DECODE = List.of(1, 16);
  private static final List<Integer> PREFILL = List.of(32);
  private static final int PROMPT = 1024;

  private final Operation operation;

  ModelBenchmark(Operation operation) {
    this.operation = operation;
  }

  @Override
  public String name() {
    return operation.name().toLowerCase(Locale.ROOT);
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
    boolean decodes = operation == Operation.DECODE;
    ModelTrial trial =
        ModelTrial.of(
            config, decodes ? DECODE : PREFILL, decodes ? config.value(BenchKeys.CONTEXT) : PROMPT);
    int repeats = config.value(BenchKeys.REPEATS);
    int ordinal = Devices.probe().devices().get(0).ordinal();
    for (Optional<QuantScheme> weights : trial.weights()) {
      try (CudaDevice gpu = CudaDevice.open(ordinal, MemoryBudget.unlimited());
          KernelLibrary library = KernelLibrary.of(gpu);
          ModelOperators operators = CudaModelOperators.of(library, trial.options());
          RandomModel model = new RandomModel(operators, weights)) {
        for (int batch : trial.batches()) {
          new Run(trial, gpu, operators, model, repeats).measure(weights, batch, measured);
        }
      }
    }
  }

  /** A trial on a GPU. */
  private final class Run {
    private final ModelTrial trial;
    private final CudaDevice gpu;
    private final ModelOperators operators;
    private final RandomModel model;
    private final int repeats;

    Run(
        ModelTrial trial,
        CudaDevice gpu,
        ModelOperators operators,
        RandomModel model,
        int repeats) {
      this.trial = trial;
      this.gpu = gpu;
      this.operators = operators;
      this.model = model;
      this.repeats = repeats;
    }

    void measure(Optional<QuantScheme> weights, int batch, Consumer<Measurement> measured) {
      try (ModelPass pass = new ModelPass(operators, model, trial, operation, batch)) {
        pass.run();
        int[] tokens = pass.greedy();
        long peak = gpu.budget().peak();
        DeviceClock clock = new DeviceClock(gpu);
        Timing timing = clock.median(1, repeats, i -> pass.run());
        check(batch, tokens, pass.greedy());
        String name = ModelTrial.name(weights) + ", " + trial.tables();
        measured.accept(measurement(batch, name, timing, peak));
        for (Part part : Part.values()) {
          int calls = part == Part.HEAD ? 1 : model.layers().size();
          Timing each = clock.median(calls, repeats, i -> pass.run(part, i));
          String op = name() + "-" + part.name().toLowerCase(Locale.ROOT).replace('_', '-');
          Work work = new Work(op, trial.label(batch), name, 0, 0);
          measured.accept(new Measurement(work, each, Optional.empty()));
        }
      }
    }

    private Measurement measurement(int batch, String name, Timing timing, long peak) {
      boolean decodes = operation == Operation.DECODE;
      long tokens = decodes ? batch : (long) batch * trial.context();
      String config =
          String.format(
              Locale.ROOT,
              "%s; %s; %.1f tokens/s, peak %,d bytes",
              name,
              model.numerics(),
              tokens / timing.micros() * 1e6,
              peak);
      long bytes = model.bytes() + (decodes ? trial.cacheBytes(batch) : 0);
      Work work =
          new Work(name(), trial.label(batch), config, bytes, ModelTrial.operations(tokens, batch));
      return new Measurement(work, timing, Optional.empty());
    }

    /** Tokens are the same launched and replayed, and some token is the likeliest. */
    private void check(int batch, int[] launched, int[] replayed) {
      boolean none = Arrays.stream(launched).anyMatch(token -> token < 0);
      if (none || !Arrays.equals(launched, replayed)) {
        throw new IllegalStateException(
            trial.label(batch)
                + ": tokens "
                + Arrays.toString(launched)
                + " launched and "
                + Arrays.toString(replayed)
                + " by the graph: nothing is reported");
      }
    }
  }
}
