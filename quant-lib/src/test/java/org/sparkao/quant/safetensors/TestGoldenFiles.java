package org.sparkao.quant.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files of the reference library, written again from their own tensors. */
final class TestGoldenFiles {
  @Test
  void rewrittenFilesEqualThoseOfTheReferenceLibrary(@TempDir Path folder) throws IOException {
    List<Path> files = goldenFiles();
    assertThat(files).hasSizeGreaterThan(20);
    for (Path file : files) {
      Path copy = folder.resolve("copy.safetensors");
      Files.deleteIfExists(copy);
      rewrite(file, copy);
      assertThat(Files.mismatch(file, copy)).as(file.toString()).isEqualTo(-1);
    }
  }

  private static List<Path> goldenFiles() throws IOException {
    Path schemes = Path.of(System.getProperty("sparkao.shared", "shared"), "golden", "schemes");
    assumeTrue(Files.isDirectory(schemes), () -> schemes + " is absent");
    try (Stream<Path> paths = Files.walk(schemes)) {
      return paths.filter(path -> path.endsWith("expected.safetensors")).sorted().toList();
    }
  }

  private static void rewrite(Path file, Path copy) throws IOException {
    try (FileSource source = FileSource.open(file);
        FileSink sink = FileSink.create(copy)) {
      SafetensorsHeader header = SafetensorsHeader.read(source);
      List<TensorSpec> specs = new ArrayList<>();
      for (TensorEntry entry : header.entries()) {
        specs.add(new TensorSpec(entry.name(), entry.dtype(), entry.shape()));
      }
      Collections.shuffle(specs, new Random(7));
      ShardWriter writer = new ShardWriter(sink, ShardHeader.of(specs, header.metadata()));
      List<TensorEntry> shuffled = new ArrayList<>(header.entries());
      Collections.shuffle(shuffled, new Random(8));
      for (TensorEntry entry : shuffled) {
        byte[] bytes = new byte[(int) entry.bytes()];
        source.readFully(entry.begin(), bytes, 0, bytes.length);
        writer.append(entry.name(), bytes, 0, bytes.length);
      }
      writer.finish();
    }
  }
}
