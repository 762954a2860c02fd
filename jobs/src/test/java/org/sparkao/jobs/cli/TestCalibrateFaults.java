package org.sparkao.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.datasets.sample.BundledSample;
import org.sparkao.quant.safetensors.Sha256;

/** Processes that are killed while they calibrate: every byte in the end is the same. */
@Tag("faults")
class TestCalibrateFaults {
  @TempDir private static Path shared;
  private static Path model;
  private static Path text;

  @TempDir private Path temp;

  @BeforeAll
  static void writeModel() throws IOException {
    model = BundledSample.copyCheckpointTo(shared.resolve("model"));
    text =
        Files.writeString(
            shared.resolve("text.txt"), String.join("\n", BundledSample.heldOutText()));
  }

  /** The driver goes away with all that its executors do; the next one cuts the work otherwise. */
  @Test
  void killedExecutorAndKilledDriver() throws Exception {
    Map<String, String> undisturbed = undisturbed("--hessian");
    RunningCommand command = start(temp, "local-cluster[2,1,1024]", 5, "--hessian");
    command.await(() -> has("sums-"));
    command.killExecutor();
    command.await(() -> has("done-"));
    command.kill();
    assertThat(temp.resolve("out/calibration.json")).doesNotExist();

    RunningCommand next = start(temp, "local[2]", 3, "--hessian");
    assertThat(next.join()).as(next.log()).isZero();

    assertThat(next.log()).containsPattern("Lost executor \\d+ on");
    assertThat(content(temp)).isEqualTo(undisturbed);
  }

  /** A task that waits for one whose executor is killed goes on with what the next one leaves. */
  @Test
  void killedWhileItQuantizesOnTheWay() throws Exception {
    String[] sequential = {"--sequential", "W4A16(granularity=row)"};
    Map<String, String> undisturbed = undisturbed(sequential);
    RunningCommand command = start(temp, "local-cluster[2,1,1024]", 2, sequential);
    command.await(() -> has("weights-model.layers.1.self_attn.o_proj"));
    command.killExecutor();
    command.await(() -> has("done-model.layers.2"));
    command.kill();
    assertThat(temp.resolve("out/calibration.json")).doesNotExist();

    RunningCommand next = start(temp, "local[2]", 3, sequential);
    assertThat(next.join()).as(next.log()).isZero();

    assertThat(next.log())
        .containsPattern("Lost executor \\d+ on")
        .contains("--partitions 3: tasks of --sequential wait for each other, and 2 can run");
    assertThat(content(temp)).isEqualTo(undisturbed);
  }

  private Map<String, String> undisturbed(String... options) throws Exception {
    Path folder = Files.createDirectories(temp.resolve("one"));
    RunningCommand command = start(folder, "local[2]", 1, options);
    assertThat(command.join()).as(command.log()).isZero();
    return content(folder);
  }

  private boolean has(String prefix) {
    Path work = temp.resolve("out/_sparkao");
    if (!Files.isDirectory(work)) {
      return false;
    }
    try (Stream<Path> files = Files.list(work)) {
      return files.anyMatch(file -> file.getFileName().toString().startsWith(prefix));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static RunningCommand start(Path folder, String master, int partitions, String... options)
      throws IOException {
    List<String> args = new ArrayList<>(List.of("calibrate", "--checkpoint", model.toString()));
    args.addAll(List.of("--data", text.toString(), "--output", "out"));
    args.addAll(List.of(options));
    args.addAll(List.of("--samples", "60", "--sequence-length", "200", "--groups", "20"));
    args.addAll(List.of("--device", "cpu", "--tables", "tables"));
    args.addAll(List.of("--partitions", Integer.toString(partitions)));
    args.addAll(List.of("--master", master, "--conf", "spark.ui.enabled=false"));
    if (master.startsWith("local-cluster")) {
      args.addAll(RunningCommand.clusterSettings());
    }
    return RunningCommand.start(folder.resolve("log.txt"), args.toArray(String[]::new));
  }

  private static Map<String, String> content(Path folder) throws IOException {
    Map<String, String> all = new TreeMap<>();
    try (Stream<Path> files = Files.list(folder.resolve("out"))) {
      for (Path file : files.toList()) {
        MessageDigest digest = Sha256.newDigest();
        digest.update(Files.readAllBytes(file));
        all.put(file.getFileName().toString(), Sha256.hex(digest));
      }
    }
    return all;
  }
}
