package org.sparkao.quant.safetensors;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkao.quant.QuantException;

/** Damaged headers are read or refused, and nothing else happens. */
final class TestHeaderMutations {
  private static final String JSON =
      """
      {"__metadata__":{"format":"pt"},"a.weight":{"dtype":"BF16","shape":[4,8],\
      "data_offsets":[0,64]},"b":{"dtype":"F32","shape":[2],"data_offsets":[64,72]},\
      "c\\u00e9":{"dtype":"I64","shape":[],"data_offsets":[72,80]}}""";

  private static final String[] FRAGMENTS = {
    "\"",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "-",
    "9",
    "9999999999999999999",
    "1e400",
    "null",
    "\\u0000",
    "\\ud800",
    "[[[[[[[[[[",
    "{\"a\":{\"a\":{\"a\":",
    "NaN",
    "\u00e9",
    "0",
    "64",
    "F8_E4M3",
    "\0"
  };

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void neitherFailsNorAllocates(long seed) throws IOException {
    Random random = new Random(seed);
    int read = 0;
    int refused = 0;
    for (int i = 0; i < 5_000; i++) {
      byte[] file = mutated(random);
      try {
        SafetensorsHeader header = SafetensorsHeader.read(new MemorySource("a.safetensors", file));
        long bytes = header.entries().stream().mapToLong(TensorEntry::bytes).sum();
        assertThat(header.dataBegin() + bytes).isEqualTo(file.length);
        read++;
      } catch (QuantException e) {
        assertThat(e).hasMessageContaining("a.safetensors");
        refused++;
      }
    }
    assertThat(read).isPositive();
    assertThat(refused).isGreaterThan(read);
  }

  private static byte[] mutated(Random random) {
    String json = JSON;
    if (random.nextBoolean()) {
      String fragment = FRAGMENTS[random.nextInt(FRAGMENTS.length)];
      int begin = random.nextInt(json.length());
      int end = Math.min(json.length(), begin + random.nextInt(4));
      json = json.substring(0, begin) + fragment + json.substring(end);
    }
    byte[] file = MemorySource.file(json, 80);
    int flips = random.nextInt(3);
    for (int i = 0; i < flips; i++) {
      int place = random.nextInt(8) == 0 ? random.nextInt(8) : random.nextInt(file.length);
      file[place] = (byte) random.nextInt(256);
    }
    return random.nextInt(8) == 0 ? Arrays.copyOf(file, random.nextInt(file.length)) : file;
  }
}
