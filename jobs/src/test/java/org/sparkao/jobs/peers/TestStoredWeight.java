package org.sparkao.jobs.peers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.safetensors.ByteSource;
import org.sparkao.quant.safetensors.FileSource;
import org.sparkao.quant.safetensors.SafetensorsHeader;
import org.sparkao.quant.safetensors.TensorEntry;

/** Decoded weights equal what compressed-tensors decompressed from the same file. */
class TestStoredWeight {
  private static final Path SCHEMES =
      Path.of(System.getProperty("sparkao.shared", "shared"), "golden", "schemes");

  static List<Path> goldenSchemes() throws IOException {
    assumeTrue(Files.isDirectory(SCHEMES), "no golden data");
    try (Stream<Path> folders = Files.list(SCHEMES)) {
      return folders
          .filter(folder -> Files.exists(folder.resolve("decompressed.safetensors")))
          .sorted()
          .toList();
    }
  }

  @ParameterizedTest
  @MethodSource("goldenSchemes")
  void equalsCompressedTensors(Path folder) throws IOException {
    JsonNode config =
        new ObjectMapper().readTree(folder.resolve("quantization_config.json").toFile());
    JsonNode args = config.path("config_groups").elements().next().path("weights");
    Map<String, StoredWeight.Part> stored = read(folder.resolve("expected.safetensors"));
    Map<String, StoredWeight.Part> expected = read(folder.resolve("decompressed.safetensors"));
    assertThat(expected).isNotEmpty();
    expected.forEach(
        (name, weight) -> {
          String prefix = name.substring(0, name.length() - "weight".length());
          Map<String, StoredWeight.Part> parts = new HashMap<>();
          stored.forEach(
              (key, part) -> {
                if (key.startsWith(prefix)) {
                  parts.put(key.substring(prefix.length()), part);
                }
              });
          WeightType type = WeightType.valueOf(weight.dtype().name());
          StoredWeight actual = new StoredWeight(parts, args, type);
          assertThat(actual.type()).as(name).isEqualTo(type);
          assertThat(actual.shape()).as(name).isEqualTo(weight.shape());
          assertThat(actual.decode()).as(name).isEqualTo(weight.bytes());
        });
  }

  private static Map<String, StoredWeight.Part> read(Path file) {
    Map<String, StoredWeight.Part> parts = new HashMap<>();
    try (ByteSource source = FileSource.open(file)) {
      for (TensorEntry entry : SafetensorsHeader.read(source).entries()) {
        byte[] bytes = new byte[Math.toIntExact(entry.bytes())];
        source.readFully(entry.begin(), bytes, 0, bytes.length);
        parts.put(entry.name(), new StoredWeight.Part(entry.dtype(), entry.shape(), bytes));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return parts;
  }
}
