package org.sparkao.jobs.quantize.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.apache.spark.util.LongAccumulator;
import org.junit.jupiter.api.Test;
import org.sparkao.jobs.job.Console;

class TestProgress {
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  private Console console(Console.Terminal terminal) {
    PrintStream stream = new PrintStream(err, true, StandardCharsets.UTF_8);
    return new Console(stream, stream, terminal);
  }

  private String said() {
    return err.toString(StandardCharsets.UTF_8);
  }

  /** 30 MB in 10 s are 3 MB/s, and 90 MB more take 30 s. */
  @Test
  void lineHasBytesTensorsRateAndTimeLeft() {
    assertThat(Progress.line(30_000_000, 120_000_000, 7, 47, 10))
        .isEqualTo(" 25%  30.0 MB of 120 MB, 7 of 47 tensors, 3.00 MB/s, 30s left");
    assertThat(Progress.line(0, 120_000_000, 0, 47, 10))
        .isEqualTo("  0%  0 B of 120 MB, 0 of 47 tensors, 0 B/s");
  }

  @Test
  void timeLeftIsInUnitsThatPeopleRead() {
    assertThat(Progress.duration(59)).isEqualTo("59s");
    assertThat(Progress.duration(187)).isEqualTo("3m07s");
    assertThat(Progress.duration(7500)).isEqualTo("2h05m");
  }

  @Test
  void terminalHasOneLineThatIsRewritten() throws Exception {
    try (Progress progress =
        new Progress(console(Console.Terminal.INTERACTIVE), new LongAccumulator(), 100, 2)) {
      progress.finished(1);
      Thread.sleep(800);
      progress.doing("recording");
    }
    assertThat(said()).startsWith("\r  0%  0 B of 100 B, 1 of 2 tensors, 0 B/s\033[K");
    assertThat(said()).endsWith("\rrecording\033[K" + System.lineSeparator());
    assertThat(said().lines().filter(line -> !line.isEmpty()).count()).isPositive();
    assertThat(said().chars().filter(c -> c == '\n').count()).as("line ends").isEqualTo(1);
  }

  @Test
  void logHasPlainLines() {
    LongAccumulator bytes = new LongAccumulator();
    bytes.add(100);
    try (Progress progress = new Progress(console(Console.Terminal.PLAIN), bytes, 100, 2)) {
      progress.finished(2);
      progress.doing("recording");
    }
    assertThat(said()).doesNotContain("\r", "\033");
    assertThat(said().lines())
        .satisfiesExactly(
            line ->
                assertThat(line)
                    .matches("100%  100 B of 100 B, 2 of 2 tensors, \\S+ \\w*B/s, 0s left"),
            line -> assertThat(line).isEqualTo("recording"));
  }
}
