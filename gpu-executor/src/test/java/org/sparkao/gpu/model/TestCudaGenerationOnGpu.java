package org.sparkao.gpu.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.device.MemoryBudget;
import org.sparkao.gpu.layer.KvCache;
import org.sparkao.gpu.layer.SamplingRule;
import org.sparkao.gpu.model.LanguageModel.GenerationLimits;
import org.sparkao.gpu.model.LanguageModel.Sampling;
import org.sparkao.gpu.model.cuda.CudaModelOperators;
import org.sparkao.gpu.model.cuda.CudaModelOptions;
import org.sparkao.gpu.module.KernelLibrary;

/** SmolLM2-135M in bf16: samples in captured steps, on the GPU of this machine. */
@Tag("gpu")
class TestCudaGenerationOnGpu {
  private static final int PROMPTS = 300;
  private static final long SEED = 1234;

  private ModelOperators operators;
  private Path model;

  @BeforeEach
  void open() throws Exception {
    Assumptions.assumeTrue(GoldenFile.shared("tools/unpack-gguf").isPresent(), "no shared models");
    model = SharedModels.smolLm2();
  }

  @AfterEach
  void close() {
    if (operators != null) {
      operators.close();
      operators.device().close();
    }
  }

  private LanguageModel open(ModelSettings settings) {
    close();
    KernelLibrary library = KernelLibrary.of(CudaDevice.open(0, MemoryBudget.of(16L << 30)));
    operators = CudaModelOperators.of(library, CudaModelOptions.of(Arithmetic.BF16));
    return SharedModels.open(model, operators, settings);
  }

  /**
   * Alone, among 300, and where finished ones make room; some hundred rows need prefill's tiles.
   */
  @ParameterizedTest
  @EnumSource
  void samplesAreTheSameInAnyBatch(Operation products) {
    List<int[]> prompts = new ArrayList<>();
    for (int i = 0; i < PROMPTS; i++) {
      prompts.add(Arrays.copyOf(new int[] {504 + i, 2365 - i, 281 + 2 * i}, 1 + i % 3));
    }
    // Frequent words end some samples early: "the", "a", a full stop, a comma.
    GenerationLimits limits =
        new GenerationLimits(40, 5, new int[] {260, 253, 30, 28}, LanguageModel.StopRule.NEVER);
    SamplingRule rule = new SamplingRule(1, 0, 0.97, 3);
    ModelSettings settings =
        ModelSettings.ofTokens(1024).withSteps(products).withCache(KvCache.Type.BF16);
    List<int[]> together;
    try (LanguageModel all = open(settings.withSequences(PROMPTS))) {
      together = all.generate(prompts, limits, new Sampling(rule, SEED, 7));
    }
    assertThat(together.stream().mapToInt(tokens -> tokens.length).distinct().count())
        .isGreaterThan(5);
    assertThat(together).allSatisfy(tokens -> assertThat(tokens.length).isGreaterThan(5));
    try (LanguageModel turns = open(settings.withSequences(130))) {
      assertThat(turns.generate(prompts, limits, new Sampling(rule, SEED, 7)))
          .usingRecursiveComparison()
          .isEqualTo(together);
      for (int i : new int[] {0, 131, PROMPTS - 1}) {
        assertThat(turns.generate(List.of(prompts.get(i)), limits, new Sampling(rule, SEED, 7 + i)))
            .usingRecursiveComparison()
            .isEqualTo(List.of(together.get(i)));
      }
    }
  }
}
