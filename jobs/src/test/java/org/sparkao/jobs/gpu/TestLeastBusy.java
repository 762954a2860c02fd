package org.sparkao.jobs.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Who gets what, by hand. */
class TestLeastBusy {
  @Test
  void aTaskGetsTheOneThatFewestHave() {
    LeastBusy<String> gpus = new LeastBusy<>(List.of("a", "b", "c"));
    assertThat(List.of(gpus.take(), gpus.take(), gpus.take(), gpus.take()))
        .containsExactly("a", "b", "c", "a");
    gpus.back("b");
    gpus.back("c");
    assertThat(List.of(gpus.take(), gpus.take(), gpus.take())).containsExactly("b", "c", "b");
    assertThat(gpus.users()).containsExactly(2, 2, 1);
  }

  @Test
  void countsWhatManyThreadsTakeAndGiveBack() {
    LeastBusy<Integer> gpus = new LeastBusy<>(List.of(0, 1));
    List<Integer> taken = IntStream.range(0, 100).parallel().mapToObj(i -> gpus.take()).toList();
    assertThat(gpus.users()).containsExactly(50, 50);
    taken.parallelStream().forEach(gpus::back);
    assertThat(gpus.users()).containsExactly(0, 0);
  }
}
