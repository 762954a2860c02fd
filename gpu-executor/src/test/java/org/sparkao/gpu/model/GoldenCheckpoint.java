package org.sparkao.gpu.model;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.LocalFiles;

/**
 * Golden files of llm-compressor as checkpoints, see {@code golden/README.md} in the folder that
 * the property {@code sparkao.shared} names; none without it.
 */
record GoldenCheckpoint(Checkpoint checkpoint, LocalFiles files) {

  /** The folder of golden schemes; of no files without the shared folder. */
  static Path root() {
    String shared = System.getProperty("sparkao.shared");
    return Path.of(shared == null ? "" : shared, "golden", "schemes").toAbsolutePath();
  }

  /** Folders of {@code expected.safetensors} with a file beside it. */
  static List<String> foldersWith(String file) {
    if (!Files.isDirectory(root())) {
      return List.of();
    }
    try (Stream<Path> folders = Files.list(root())) {
      return folders
          .filter(folder -> Files.exists(folder.resolve("expected.safetensors")))
          .filter(folder -> Files.exists(folder.resolve(file)))
          .map(folder -> folder.getFileName().toString())
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  /** A folder with one file of tensors and a {@code config.json}. */
  static GoldenCheckpoint of(Path temporary, Path tensors, String config) throws IOException {
    Files.copy(tensors, temporary.resolve("model.safetensors"));
    Files.writeString(temporary.resolve("config.json"), config);
    LocalFiles files = LocalFiles.of(temporary);
    return new GoldenCheckpoint(Checkpoint.open(files), files);
  }

  WeightLookup weights() {
    return WeightLookups.of(checkpoint, files);
  }

  /** The bytes of a tensor. */
  byte[] bytes(String name) {
    return TensorBytes.stored(files, "golden", checkpoint.tensor(name).orElseThrow())
        .bytes()
        .get()
        .array();
  }
}
