package org.sparkao.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.datasets.sample.BundledSample;
import org.sparkao.jobs.job.ExitCode;

/** Executors that are killed while they train: every byte in the end is the same. */
@Tag("faults")
class TestTrainFaults {
  /** Of a run, and so in no way the same. */
  private static final String PROVENANCE = "sparkao.json";

  @TempDir private static Path shared;
  private static Path model;
  private static Path text;

  @TempDir private Path temp;

  @BeforeAll
  static void writeData() throws IOException {
    model = BundledSample.copyCheckpointTo(shared.resolve("model"));
    text =
        Files.writeString(
            shared.resolve("text.txt"), String.join("\n", BundledSample.heldOutText()));
  }

  /** Both workers begin again from the last state, wherever Spark puts them. */
  @Test
  void workersThatLoseOne() throws Exception {
    killedExecutorChangesNothing(
        "state--1.json",
        "--mode",
        "model",
        "--workers",
        "2",
        "--local-steps",
        "4",
        "--outer-momentum",
        "0.5",
        "--scales",
        "learned-step",
        "--steps",
        "12");
  }

  @Test
  void blocksThatLoseTheirTask() throws Exception {
    killedExecutorChangesNothing(
        "state-0.json", "--mode", "block", "--partitions", "2", "--steps", "20");
  }

  private void killedExecutorChangesNothing(String state, String... options) throws Exception {
    List<String> cluster = arguments(temp, "local-cluster[2,1,1024]", options);
    cluster.addAll(RunningCommand.clusterSettings());
    RunningCommand command =
        RunningCommand.start(temp.resolve("log.txt"), cluster.toArray(String[]::new));
    command.await(() -> Files.exists(temp.resolve("out/_sparkao").resolve(state)));
    command.killExecutor();

    Path undisturbed = temp.resolve("undisturbed");
    Command other = new Command();
    assertThat(other.run(arguments(undisturbed, "local[2]", options).toArray(String[]::new)))
        .as(other.err())
        .isEqualTo(ExitCode.DONE);

    assertThat(command.join()).as(command.log()).isZero();
    assertThat(command.log()).containsPattern("Lost executor \\d+ on");
    Map<String, byte[]> expected = Command.contents(undisturbed.resolve("out"));
    Map<String, byte[]> found = Command.contents(temp.resolve("out"));
    assertThat(found.keySet()).isEqualTo(expected.keySet()).contains("model.safetensors");
    expected.remove(PROVENANCE);
    expected.forEach((name, bytes) -> assertThat(found.get(name)).as(name).isEqualTo(bytes));
  }

  private static List<String> arguments(Path folder, String master, String... options) {
    List<String> args = new ArrayList<>(List.of("train", "--checkpoint", model.toString()));
    args.addAll(List.of("--data", text.toString(), "--output", folder.resolve("out").toString()));
    args.addAll(List.of("--tables", folder.resolve("tables").toString()));
    args.addAll(List.of("--scheme", "W4A16(group_size=128)", "--learning-rate", "3e-4"));
    args.addAll(List.of("--samples", "20", "--sequence-length", "32", "--batch-sequences", "2"));
    args.addAll(List.of("--save-every", "4"));
    args.addAll(List.of(options));
    args.addAll(List.of("--master", master, "--conf", "spark.ui.enabled=false"));
    return args;
  }
}
