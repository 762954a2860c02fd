package org.sparkao.quant.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.quant.QuantException;

/** A damaged index or config is read or refused, and nothing else happens. */
final class TestJsonMutations {
  private static final byte[] BYTES =
      "\0\u00ff\u00fe{}[]\",:\\-0eNI".getBytes(StandardCharsets.ISO_8859_1);

  @TempDir Path folder;

  @Test
  void neitherFailsNorCrashes() throws IOException {
    new CheckpointFixture(folder).llama(1, 2).write();
    for (String name : new String[] {"config.json", "model.safetensors.index.json"}) {
      Path file = folder.resolve(name);
      byte[] valid = Files.readAllBytes(file);
      Random random = new Random(name.length());
      int refused = 0;
      for (int i = 0; i < 500; i++) {
        Files.write(file, mutated(valid, random));
        try {
          new WeightSources(Checkpoint.open(LocalFiles.of(folder)));
        } catch (QuantException e) {
          assertThat(e).hasMessageContaining(folder.toString());
          refused++;
        }
      }
      assertThat(refused).isBetween(100, 500);
      Files.write(file, valid);
    }
  }

  @Test
  void refusesOtherEncodings() throws IOException {
    new CheckpointFixture(folder).bf16("a.weight", 2, 2).write();
    for (byte[] start : new byte[][] {{0, 0, 0, '{'}, {(byte) 0xFF, (byte) 0xFE}, {'{', 0, 0, 0}}) {
      Files.write(folder.resolve("config.json"), Arrays.copyOf(start, 8));
      assertThatThrownBy(() -> Checkpoint.open(LocalFiles.of(folder)))
          .isInstanceOf(QuantException.class)
          .hasMessageMatching("(?s).*config.json: is not (UTF-8|valid JSON|one JSON object).*");
    }
  }

  private static byte[] mutated(byte[] valid, Random random) {
    byte[] bytes = valid.clone();
    int flips = 1 + random.nextInt(3);
    for (int i = 0; i < flips; i++) {
      bytes[random.nextInt(random.nextBoolean() ? 4 : bytes.length)] =
          BYTES[random.nextInt(BYTES.length)];
    }
    return random.nextInt(8) == 0 ? Arrays.copyOf(bytes, random.nextInt(bytes.length)) : bytes;
  }
}
