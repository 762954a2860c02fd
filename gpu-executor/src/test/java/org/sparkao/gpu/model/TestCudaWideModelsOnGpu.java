package org.sparkao.gpu.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.device.MemoryBudget;
import org.sparkao.gpu.layer.KvCache;
import org.sparkao.gpu.model.LanguageModel.GenerationLimits;
import org.sparkao.gpu.model.LanguageModel.ScoredSequence;
import org.sparkao.gpu.model.LanguageModel.SequenceScore;
import org.sparkao.gpu.model.cuda.CudaModelOperators;
import org.sparkao.gpu.model.cuda.CudaModelOptions;
import org.sparkao.gpu.module.KernelLibrary;

/**
 * Every family on the GPU of this machine against the plain operators in fp32, which transformers
 * agrees with.
 */
@Tag("gpu")
class TestCudaWideModelsOnGpu {
  /** Of logits in bf16, by the norm of all: two layers, 8 bits a number between. */
  private static final double BF16 = 0.03;

  /** In fp32: other orders of sums. */
  private static final double FP32 = 1e-5;

  /** How far the likeliest token in bf16 may be behind in fp32, of logits of size 1. */
  private static final double MARGIN = 0.2;

  private static final int NEW_TOKENS = 12;

  static List<String> models() {
    return TinyModel.ALL;
  }

  @ParameterizedTest
  @MethodSource("models")
  void logitsAndContinuations(String name) {
    List<ScoredSequence> sequences = sequences();
    List<float[]> expected;
    try (LanguageModel model =
        open(name, new ReferenceModelOperators(CpuDevice.open(), Arithmetic.FP32))) {
      expected = logits(model, sequences);
      assertContinues(name, model);
    }
    for (Arithmetic arithmetic : Arithmetic.values()) {
      try (CudaDevice device = CudaDevice.open(0, MemoryBudget.of(4L << 30));
          KernelLibrary library = KernelLibrary.of(device);
          ModelOperators operators =
              CudaModelOperators.of(library, CudaModelOptions.of(arithmetic));
          LanguageModel model = open(name, operators)) {
        double error = error(logits(model, sequences), expected);
        assertThat(error)
            .as(name + " in " + arithmetic)
            .isLessThan(arithmetic == Arithmetic.FP32 ? FP32 : BF16);
        assertAloneAsTogether(model, sequences);
      }
    }
  }

  /** What bf16 continues with is likeliest in fp32 too, but for the margin. */
  private static void assertContinues(String name, LanguageModel exact) {
    List<int[]> prompts = sequences().stream().map(ScoredSequence::ids).toList();
    GenerationLimits limits = new GenerationLimits(NEW_TOKENS, new int[0], (p, tokens) -> false);
    for (KvCache.Type type : List.of(KvCache.Type.BF16, KvCache.Type.INT8, KvCache.Type.FP8)) {
      List<int[]> found;
      try (CudaDevice device = CudaDevice.open(0, MemoryBudget.of(4L << 30));
          KernelLibrary library = KernelLibrary.of(device);
          ModelOperators operators =
              CudaModelOperators.of(library, CudaModelOptions.of(Arithmetic.BF16));
          LanguageModel model =
              new WideModel(name).open(operators, ModelSettings.ofTokens(256).withCache(type))) {
        found = model.generate(prompts, limits);
      }
      for (int i = 0; i < prompts.size(); i++) {
        int[] prompt = prompts.get(i);
        int[] all = Arrays.copyOf(prompt, prompt.length + NEW_TOKENS);
        System.arraycopy(found.get(i), 0, all, prompt.length, NEW_TOKENS);
        String what = name + ", cache " + type + ", prompt " + i;
        exact.score(
            List.of(new ScoredSequence(all, prompt.length)),
            (sequence, position, logits) -> {
              float largest = Float.NEGATIVE_INFINITY;
              for (float logit : logits) {
                largest = Math.max(largest, logit);
              }
              double bound = type == KvCache.Type.BF16 ? MARGIN : 2 * MARGIN;
              assertThat((double) largest - logits[all[position]]).as(what).isLessThan(bound);
            });
      }
    }
  }

  private static void assertAloneAsTogether(LanguageModel model, List<ScoredSequence> sequences) {
    List<SequenceScore> together = model.score(sequences);
    for (int i = 0; i < sequences.size(); i++) {
      assertThat(model.score(List.of(sequences.get(i))).get(0).logProbabilities())
          .isEqualTo(together.get(i).logProbabilities());
    }
  }

  private static LanguageModel open(String name, ModelOperators operators) {
    return new WideModel(name).open(operators, ModelSettings.ofTokens(256));
  }

  private static List<float[]> logits(LanguageModel model, List<ScoredSequence> sequences) {
    List<float[]> all = new ArrayList<>();
    model.score(sequences, (sequence, position, logits) -> all.add(logits.clone()));
    return all;
  }

  private static double error(List<float[]> found, List<float[]> expected) {
    assertThat(found).hasSameSizeAs(expected);
    double squares = 0;
    double norm = 0;
    for (int i = 0; i < found.size(); i++) {
      for (int j = 0; j < found.get(i).length; j++) {
        double difference = (double) found.get(i)[j] - expected.get(i)[j];
        squares += difference * difference;
        norm += (double) expected.get(i)[j] * expected.get(i)[j];
      }
    }
    return Math.sqrt(squares / norm);
  }

  /** Some that begin alike. */
  private static List<ScoredSequence> sequences() {
    List<ScoredSequence> all = new ArrayList<>();
    for (int length : new int[] {2, 30, 13, 31}) {
      int[] ids = new int[length];
      for (int i = 0; i < length; i++) {
        ids[i] = (5 * i * i + 3 * i + (i > 10 ? length : 0)) % 64;
      }
      all.add(new ScoredSequence(ids, 1));
    }
    return all;
  }
}
