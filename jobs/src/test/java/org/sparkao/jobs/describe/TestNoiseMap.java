package org.sparkao.jobs.describe;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.sparkao.jobs.table.RunRow;

class TestNoiseMap {

  private static NoiseMap of(TensorResult... tensors) {
    return NoiseMap.of(
        new RunDescription(RunFixture.row("r", RunRow.Status.DONE), List.of(tensors)));
  }

  @Test
  void takesTheWorstOfALayersModules() {
    NoiseMap map =
        of(
            RunFixture.quantized("layers.10.experts.0.up_proj", 10, 25),
            RunFixture.quantized("layers.10.experts.1.up_proj", 10, 21),
            RunFixture.quantized("layers.2.up_proj", 2, 23),
            RunFixture.quantized("layers.2.q_proj", 2, 30));
    assertThat(map.types()).containsExactly("q_proj", "up_proj");
    assertThat(map.layers()).containsExactly(2L, 10L);
    assertThat(map.cell("up_proj", 10)).hasValue(21);
    assertThat(map.cell("q_proj", 2)).hasValue(30);
    assertThat(map.cell("q_proj", 10)).isEmpty();
    assertThat(map.min()).isEqualTo(21);
    assertThat(map.max()).isEqualTo(30);
  }

  @Test
  void leavesOutWhatHasNoRatioOrNoLayer() {
    assertThat(
            of(
                    RunFixture.quantized("layers.0.a", 0, Double.NaN),
                    RunFixture.quantized("layers.0.b", 0, Double.POSITIVE_INFINITY),
                    RunFixture.copied("layers.0.norm", Optional.of(0L), 8, "norm"))
                .isEmpty())
        .isTrue();
  }
}
