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
import org.sparkao.jobs.job.ExitCode;
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
    RunningCommand command = startCluster(5, "--hessian");
    command.await(() -> has("sums-"));
    command.killExecutor();
    command.await(() -> has("done-"));
    command.kill();
    assertThat(temp.resolve("out/calibration.json")).doesNotExist();

    run(temp, 3, "--hessian");

    assertThat(command.log()).containsPattern("Lost executor \\d+ on");
    assertThat(content(temp)).isEqualTo(undisturbed);
  }

  /** A task that waits for one whose executor is killed goes on with what the next one leaves. */
  @Test
  void killedWhileItQuantizesOnTheWay() throws Exception {
    String[] sequential = {"--sequential", "W4A16(granularity=row)"};
    Map<String, String> undisturbed = undisturbed(sequential);
    RunningCommand command = startCluster(2, sequential);
    command.await(() -> has("weights-model.layers.1.self_attn.o_proj"));
    command.killExecutor();
    command.await(() -> has("done-model.layers.2"));
    command.kill();
    assertThat(temp.resolve("out/calibration.json")).doesNotExist();

    String said = run(temp, 3, sequential);

    assertThat(command.log()).containsPattern("Lost executor \\d+ on");
    assertThat(said)
        .contains("--partitions 3: tasks of --sequential wait for each other, and 2 can run");
    assertThat(content(temp)).isEqualTo(undisturbed);
  }

  private Map<String, String> undisturbed(String... options) throws Exception {
    Path folder = Files.createDirectories(temp.resolve("one"));
    run(folder, 1, options);
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

  private RunningCommand startCluster(int partitions, String... options) throws IOException {
    List<String> args = arguments(temp, "local-cluster[2,1,1024]", partitions, options);
    args.addAll(RunningCommand.clusterSettings());
    return RunningCommand.start(temp.resolve("log.txt"), args.toArray(String[]::new));
  }

  /** In this process; returns what it says. */
  private static String run(Path folder, int partitions, String... options) {
    Command command = new Command();
    assertThat(
            command.run(arguments(folder, "local[2]", partitions, options).toArray(String[]::new)))
        .as(command.err())
        .isEqualTo(ExitCode.DONE);
    return command.out();
  }

  private static List<String> arguments(
      Path folder, String master, int partitions, String... options) {
    List<String> args = new ArrayList<>(List.of("calibrate", "--checkpoint", model.toString()));
    args.addAll(List.of("--data", text.toString(), "--output", folder.resolve("out").toString()));
    args.addAll(List.of(options));
    args.addAll(List.of("--samples", "60", "--sequence-length", "200", "--groups", "20"));
    args.addAll(List.of("--device", "cpu", "--tables", folder.resolve("tables").toString()));
    args.addAll(List.of("--partitions", Integer.toString(partitions)));
    args.addAll(List.of("--master", master, "--conf", "spark.ui.enabled=false"));
    return args;
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
