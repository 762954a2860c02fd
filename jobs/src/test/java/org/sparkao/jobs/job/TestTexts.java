package org.sparkao.jobs.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TestTexts {

  @ParameterizedTest
  @CsvSource({
    "0, 0 B",
    "999, 999 B",
    "1000, 1.00 kB",
    "1234567, 1.23 MB",
    "12345678, 12.3 MB",
    "999949, 1.00 MB",
    "1500000000000, 1.50 TB"
  })
  void writesBytesWithThreeDigits(long bytes, String text) {
    assertThat(Texts.bytes(bytes)).isEqualTo(text);
  }

  @ParameterizedTest
  @CsvSource({"800, 0.8 s", "75400, 75 s", "3720000, 1 h 02 min", "660000, 11 min"})
  void writesDurations(long millis, String text) {
    assertThat(Texts.duration(Duration.ofMillis(millis))).isEqualTo(text);
  }

  @Test
  void writesDecibelsOfEveryKind() {
    assertThat(Texts.decibels(20.04)).isEqualTo("20.0 dB");
    assertThat(Texts.decibels(Double.POSITIVE_INFINITY)).isEqualTo("exact");
    assertThat(Texts.decibels(Double.NaN)).isEqualTo("-");
  }

  /** Three decimals; a sign before zero would say that something is there. */
  @ParameterizedTest
  @CsvSource({
    "-0.0004, 0.000, 0.000",
    "0.0004, 0.000, 0.000",
    "-0.0, 0.000, 0.000",
    "-0.0006, -0.001, -0.001",
    "0.25, 0.250, +0.250",
    "-10.0, -10.000, -10.000"
  })
  void writesZeroWithoutASign(double value, String plain, String signed) {
    assertThat(Texts.decimals(value, 3)).isEqualTo(plain);
    assertThat(Texts.signed(value, 3)).isEqualTo(signed);
  }

  /** The last character of each is one of two units, which stay together. */
  @Test
  void cutsTexts() {
    assertThat(Texts.beginning("abcdef", 6)).isEqualTo("abcdef");
    assertThat(Texts.beginning("abcdef", 5)).isEqualTo("abcde...");
    assertThat(Texts.beginning("ab\uD83D\uDE00d", 3)).isEqualTo("ab...");
    assertThat(Texts.end("abcdef", 6)).isEqualTo("abcdef");
    assertThat(Texts.end("abcdef", 2)).isEqualTo("...ef");
    assertThat(Texts.end("ab\uD83D\uDE00d", 2)).isEqualTo("...\uD83D\uDE00d");
    assertThat(Texts.line(" a\n\n  b\tc ")).isEqualTo("a b c");
    assertThat(Texts.shortHash("0123456789abcdef")).isEqualTo("0123456789ab");
  }

  @Test
  void writesTimesInUtc() {
    assertThat(Texts.time(Instant.EPOCH)).isEqualTo("1970-01-01 00:00:00");
  }

  @Test
  void alignsTables() {
    TextTable table =
        TextTable.of(TextTable.text("name"), TextTable.number("size"))
            .row("a", "1")
            .row("longer\u001b[31m", "1000");
    assertThat(table.lines())
        .containsExactly("name         size", "a               1", "longer?[31m  1000");
    assertThatThrownBy(() -> table.row("a")).hasMessage("1 cells for 2 columns");
  }
}
