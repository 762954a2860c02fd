package org.sparkao.jobs.bench;

import java.util.List;
import java.util.stream.Collectors;
import org.sparkao.gpu.model.Operation;
import org.sparkao.quant.QuantException;

/** Every operation that can be timed, in the order of the help text. */
final class Benchmarks {
  private static final List<Benchmark> ALL =
      List.of(
          new GemmBenchmark(),
          new LayerBenchmark(),
          new QuantizeBenchmark(),
          new GptqBenchmark(),
          new ModelBenchmark(Operation.DECODE),
          new ModelBenchmark(Operation.PREFILL),
          new Float8Benchmark());

  private Benchmarks() {}

  /** Names for people: {@code gemm|layer|quantize|gptq|decode|prefill|float8}. */
  static String names() {
    return ALL.stream().map(Benchmark::name).collect(Collectors.joining("|"));
  }

  /**
   * One of them.
   *
   * @throws QuantException listing all
   */
  static Benchmark named(String name) {
    return ALL.stream()
        .filter(benchmark -> benchmark.name().equals(name))
        .findFirst()
        .orElseThrow(
            () -> new QuantException("bench " + name + ": no such benchmark; use " + names()));
  }
}
