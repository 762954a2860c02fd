package org.sparkao.jobs.sweep.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.sparkao.jobs.table.SweepCellRow;
import org.sparkao.jobs.table.SweepCellRow.Ending;
import org.sparkao.jobs.table.SweepCellRow.Measured;
import org.sparkao.jobs.table.SweepCellRow.Output;
import org.sparkao.jobs.table.SweepCellRow.Place;
import org.sparkao.jobs.table.SweepCellRow.Source;
import org.sparkao.jobs.table.SweepCellRow.Status;

class TestParetoFront {
  private static SweepCellRow cell(String scheme, long bytes, String metric, double value) {
    return new SweepCellRow(
        "r",
        "s",
        scheme,
        new Place("m", scheme, "rtn", "t"),
        new Source("m", "f", "h"),
        new Output("o", Optional.of(bytes), Optional.empty()),
        new Ending(Status.DONE, Optional.empty(), 1, Instant.EPOCH),
        Optional.of(new Measured("e", "1", metric, value, OptionalDouble.empty(), 10, 100)));
  }

  private static List<String> front(SweepCellRow... cells) {
    return ParetoFront.of(List.of(cells), ParetoFront::bytes).stream()
        .map(SweepCellRow::key)
        .toList();
  }

  @Test
  void whatIsLargerAndNoBetterIsBeaten() {
    assertThat(
            front(
                cell("w16", 100, "acc", 0.9),
                cell("w8", 50, "acc", 0.9),
                cell("w4", 25, "acc", 0.7),
                cell("w5", 30, "acc", 0.6)))
        .containsExactly("w8", "w4");
  }

  @Test
  void lessPerplexityIsBetter() {
    assertThat(
            front(
                cell("w16", 100, "token_perplexity", 20),
                cell("w8", 50, "token_perplexity", 21),
                cell("bad", 60, "token_perplexity", 22)))
        .containsExactly("w16", "w8");
  }

  @Test
  void equalsStayBoth() {
    assertThat(front(cell("a", 50, "acc", 0.5), cell("b", 50, "acc", 0.5)))
        .containsExactly("a", "b");
  }
}
