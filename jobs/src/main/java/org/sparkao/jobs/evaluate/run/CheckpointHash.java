package org.sparkao.jobs.evaluate.run;

import java.io.IOException;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import org.apache.spark.SparkContext;
import org.apache.spark.TaskContext;
import org.sparkao.jobs.evaluate.plan.Sha256;
import org.sparkao.jobs.evaluate.run.ModelRequest.SourceFile;
import org.sparkao.jobs.spark.SparkSessions;
import org.sparkao.jobs.spark.TextStage;
import org.sparkao.jobs.spark.TextWork;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.safetensors.ByteSource;

/**
 * SHA-256 of what a checkpoint is, the same wherever it lies and whenever it was written: of {@code
 * config.json}, and of name and SHA-256 of every file with tensors, sorted by name. Executors read
 * the files, one a task.
 */
public final class CheckpointHash {
  private static final String CONFIG = "config.json";

  private CheckpointHash() {}

  /**
   * Reads the whole checkpoint.
   *
   * @param group Spark's name for everything that is cancelled together
   */
  public static String of(Checkpoint checkpoint, SparkContext spark, Storage storage, String group)
      throws IOException {
    Map<String, String> hashes = new ConcurrentSkipListMap<>();
    new TextStage(spark, group)
        .run(
            ModelRequest.filesOf(checkpoint),
            new FileHash(checkpoint.location()),
            "Hash " + checkpoint.location(),
            text -> hashes.put(text.substring(HEX + 1), text.substring(0, HEX)));
    Sha256 all = new Sha256();
    if (checkpoint.config().isPresent()) {
      Sha256 config = new Sha256();
      config.add(storage.folder(checkpoint.location()).read(CONFIG));
      all.line(config.hex() + " " + CONFIG);
    }
    new TreeMap<>(hashes).forEach((name, hash) -> all.line(hash + " " + name));
    return all.hex();
  }

  private static final int HEX = 64;

  /** Reads a file whole. */
  private record FileHash(String location) implements TextWork<SourceFile> {
    private static final int PIECE = 1 << 22;

    @Override
    public String run(SourceFile file, TaskContext context) throws IOException {
      Storage storage = Storage.ofSettings(SparkSessions.taskSettings());
      Sha256 hash = new Sha256();
      byte[] piece = new byte[PIECE];
      try (ByteSource source = storage.folder(location).open(file.name())) {
        if (source.size() != file.size()) {
          throw new QuantException(
              location + "/" + file.name() + ": changed since planning; start again");
        }
        for (long at = 0; at < file.size(); at += PIECE) {
          context.killTaskIfInterrupted();
          int count = (int) Math.min(PIECE, file.size() - at);
          source.readFully(at, piece, 0, count);
          hash.add(piece, count);
        }
      }
      return hash.hex() + " " + file.name();
    }
  }
}
