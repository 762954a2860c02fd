package org.sparkao.gpu.model;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.CheckpointFiles;
import org.sparkao.quant.checkpoint.LocalFiles;

/** Checkpoints of the shared folder. */
public final class SharedModels {
  private SharedModels() {}

  static LanguageModel open(Path folder, ModelOperators operators, ModelSettings settings) {
    CheckpointFiles files = LocalFiles.of(folder);
    return LanguageModels.open(checkpoint(files), files, operators, settings);
  }

  public static Checkpoint checkpoint(CheckpointFiles files) {
    try {
      return Checkpoint.open(files);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Unpacks SmolLM2 into {@code target/models} of the whole project, once. */
  public static synchronized Path smolLm2() throws IOException, InterruptedException {
    Path script = GoldenFile.shared("tools/unpack-gguf").orElseThrow().resolve("unpack.sh");
    Path models = Path.of(System.getProperty("sparkao.root"), "target", "models");
    Process process =
        new ProcessBuilder("bash", script.toString(), models.toString())
            .redirectErrorStream(true)
            .start();
    String said = new String(process.getInputStream().readAllBytes());
    if (process.waitFor() != 0) {
      throw new IOException(said);
    }
    return models.resolve("smollm2-135m-instruct");
  }
}
