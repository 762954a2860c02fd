package org.sparkao.gpu.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.model.LanguageModel.ScoredSequence;
import org.sparkao.gpu.model.cpu.CpuModelOperators;

/**
 * Checkpoints that transformers saved with torchao, run: logits of transformers in bf16 (golden/
 * README.md, torchao-checkpoints), computed here in fp32.
 */
class TestTorchaoModels {

  /** The last number: how far, by the norm, bf16 arithmetic and rounded inputs lead at most. */
  @ParameterizedTest
  @CsvSource({
    "bf16, llama, 0.02",
    "int8wo, llama-int8wo, 0.02",
    "float8wo, llama-float8wo, 0.02",
    "intx2_g32, llama-intx2_g32, 0.02",
    "intx3_g64, llama-intx3_g64, 0.02",
    "intx4_row, llama-intx4_row, 0.02",
    "fqn_mixed, llama-fqn_mixed, 0.02",
    "int8dyn, llama-int8dyn, 0.05",
    "8da4w_g32, llama-8da4w_g32, 0.05",
    "intx4_g32, llama-intx4_g32, 0.02",
    "8da4w_g128, llama-8da4w_g128, 0.05"
  })
  void logitsAreThoseOfTransformers(String name, String folder, double most) throws IOException {
    Optional<Path> golden = GoldenFile.shared("golden/torchao-checkpoints");
    assumeTrue(golden.isPresent(), "no ../shared");
    GoldenFile expected = GoldenFile.read(golden.get().resolve("llama-logits.safetensors"));
    int[] ids = expected.ints("input_ids");
    int length = ids.length / 2;
    List<ScoredSequence> batch = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      batch.add(new ScoredSequence(Arrays.copyOfRange(ids, i * length, (i + 1) * length), 1));
    }
    float[] logits = expected.floats(name);
    int vocabulary = logits.length / ids.length;
    double[] sums = new double[2];
    try (CpuModelOperators operators = new CpuModelOperators(CpuDevice.open(), 1);
        LanguageModel model =
            SharedModels.open(
                golden.get().resolve(folder), operators, ModelSettings.ofTokens(64))) {
      model.score(
          batch,
          (sequence, position, values) -> {
            int first = (sequence * length + position - 1) * vocabulary;
            for (int i = 0; i < vocabulary; i++) {
              double difference = values[i] - logits[first + i];
              sums[0] += difference * difference;
              sums[1] += (double) logits[first + i] * logits[first + i];
            }
          });
    }
    assertThat(sums[1]).isPositive();
    assertThat(Math.sqrt(sums[0] / sums[1])).isLessThan(most);
  }
}
