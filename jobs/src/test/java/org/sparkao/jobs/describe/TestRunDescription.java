package org.sparkao.jobs.describe;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.sparkao.jobs.describe.RunDescription.ModuleType;
import org.sparkao.jobs.table.RunRow;

class TestRunDescription {

  private static RunDescription of(TensorResult... tensors) {
    return new RunDescription(RunFixture.row("r", RunRow.Status.DONE), List.of(tensors));
  }

  /** 557056 bytes for 2^20 weights: 8 * 557056 / 1048576 = 4.25 = 4 + 16 / 64 bits. */
  @Test
  void countsBitsForEachWeight() {
    RunDescription run =
        of(
            RunFixture.quantized("layers.0.a", 0, 20),
            RunFixture.copied("embed", Optional.empty(), 1 << 20, "embedding"));
    assertThat(run.bitsPerQuantizedWeight()).isEqualTo(4.25);
    assertThat(run.bitsPerWeight()).isEqualTo((4.25 + 16) / 2);
    assertThat(run.sourceBytes()).isEqualTo(2 << 21);
    assertThat(run.outputBytes()).isEqualTo(557_056 + (1 << 21));
  }

  @Test
  void groupsModulesByTypeLargestFirst() {
    RunDescription run =
        of(
            RunFixture.copied("norm", Optional.empty(), 8, "norm"),
            RunFixture.quantized("layers.0.up_proj", 0, 20),
            RunFixture.quantized("layers.1.up_proj", 1, 30));
    assertThat(run.moduleTypes()).extracting(ModuleType::type).containsExactly("up_proj", "norm");
    ModuleType up = run.moduleTypes().get(0);
    assertThat(up.tensors()).isEqualTo(2);
    assertThat(up.sqnrDb().getAverage()).isEqualTo(25);
    assertThat(up.sqnrDb().getMin()).isEqualTo(20);
  }

  @Test
  void ranksTheWorstByNoiseThenName() {
    RunDescription run =
        of(
            RunFixture.quantized("layers.0.c", 0, 20),
            RunFixture.quantized("layers.0.b", 0, 10),
            RunFixture.quantized("layers.0.a", 0, 20),
            RunFixture.quantized("layers.0.zeros", 0, Double.NaN));
    assertThat(run.worst(3))
        .extracting(TensorResult::module)
        .containsExactly("layers.0.b", "layers.0.a", "layers.0.c");
    assertThat(run.worst(1)).hasSize(1);
  }
}
