package org.sparkao.jobs.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TestByteSize {
  @ParameterizedTest
  @CsvSource({
    "5GB, 5000000000",
    "1.5 kB, 1500",
    "256MiB, 268435456",
    "42, 42",
    "2TiB, 2199023255552"
  })
  void reads(String text, long bytes) {
    assertThat(ByteSize.parse(text)).isEqualTo(bytes);
  }

  @ParameterizedTest
  @CsvSource({
    "999, 999 B",
    "1540000000, 1.54 GB",
    "999999, 1.00 MB",
    "12345678, 12.3 MB",
    "250000000000, 250 GB"
  })
  void shows(long bytes, String text) {
    assertThat(ByteSize.format(bytes)).isEqualTo(text);
  }

  @Test
  void refusesLessThanAByte() {
    assertThatThrownBy(() -> ByteSize.parse("0"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("must be at least one byte");
  }
}
