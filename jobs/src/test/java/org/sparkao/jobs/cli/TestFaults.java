package org.sparkao.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.table.RunRow;

/**
 * Processes that are killed while they write. Every checkpoint that comes out in the end must equal
 * that of an undisturbed run, with nothing temporary beside it.
 */
@Tag("faults")
class TestFaults {
  private static final String RUN = "the-run";
  private static final String SHARD_SIZE = "400KB";

  @TempDir private static Path shared;
  private static Path source;
  private static Map<String, byte[]> undisturbed;

  @TempDir private Path temp;

  @BeforeAll
  static void runUndisturbed() throws Exception {
    source = Checkpoints.write(shared.resolve("source"), Checkpoints.llama(16, 256, 768));
    Path folder = Files.createDirectories(shared.resolve("undisturbed"));
    run(folder);
    undisturbed = Command.contents(folder.resolve("output"));
    assertThat(undisturbed.keySet())
        .filteredOn(name -> name.endsWith(".safetensors"))
        .hasSizeGreaterThanOrEqualTo(15);
  }

  @Test
  void killedDriverGoesOnWhereItWas() throws Exception {
    RunningCommand first = start(temp, "local[2]");
    first.await(() -> finishedFiles(temp) >= 4);
    first.kill();
    Map<String, String> written = attempts(temp);
    assertThat(written).hasSizeGreaterThanOrEqualTo(4);
    assertThat(temp.resolve("output/config.json")).doesNotExist();
    assertThat(temp.resolve("output/model.safetensors.index.json")).doesNotExist();

    Path claim = temp.resolve("output/_sparkao/claim-000001.json");
    long begun = new ObjectMapper().readTree(claim.toFile()).path("runStart").asLong();

    String said = run(temp);

    assertThat(TableReader.rows(temp.resolve("tables"), RunRow.TABLE))
        .extracting(run -> run.instant("started_at"))
        .containsExactly(Instant.ofEpochMilli(begun));
    assertThat(said).containsPattern("\\d+ of \\d+ files are done already");
    assertUndisturbed();
    // What was finished before was not written again: the rows name the attempts of then.
    Map<String, String> committed = TableReader.attempts(temp.resolve("tables"));
    assertThat(committed).containsAllEntriesOf(written);
    assertThat(committed).hasSize((int) shards());
    assertThat(TableReader.tensorsPerName(temp.resolve("tables"))).containsOnly(1L);
  }

  @Test
  void driverKilledAtTheLastFilesLeavesNothing() throws Exception {
    Path faults = Files.createDirectories(temp.resolve("faults"));
    Files.createFile(faults.resolve("config.json#stall"));
    RunningCommand first = startRemote(faults);
    first.await(() -> Files.exists(faults.resolve("config.json#stalled")));
    first.kill();
    assertThat(temp.resolve("output/sparkao.json")).exists();
    assertThat(temp.resolve("output/config.json")).doesNotExist();
    Files.delete(faults.resolve("config.json#stalled"));

    String said = runRemote(faults, ExitCode.DONE);

    assertThat(said).contains(shards() + " of " + shards() + " files are done already");
    assertUndisturbed();
  }

  @Test
  void killedExecutorIsReplaced() throws Exception {
    RunningCommand command = start(temp, "local-cluster[2,1,1024]");
    command.await(() -> finishedFiles(temp) >= 3);
    command.killExecutor();
    Map<String, String> written = attempts(temp);

    assertThat(command.join()).as(command.log()).isZero();
    assertThat(command.log()).containsPattern("Lost executor \\d+ on");

    assertUndisturbed();
    // Its one core had one file in flight, perhaps finished but not yet reported.
    Map<String, String> committed = TableReader.attempts(temp.resolve("tables"));
    assertThat(committed).hasSize((int) shards());
    assertThat(written.entrySet())
        .filteredOn(file -> !committed.get(file.getKey()).equals(file.getValue()))
        .hasSizeLessThanOrEqualTo(1);
    assertThat(TableReader.attemptNumbers(temp.resolve("tables")).values())
        .filteredOn(number -> number > 0)
        .hasSizeLessThanOrEqualTo(1);
  }

  @Test
  void ofTwoDriversAtOnceOneIsRefused() throws Exception {
    RunningCommand[] drivers = {start(temp, "local[2]"), startSecond(temp)};
    int[] codes = {drivers[0].join(), drivers[1].join()};
    int winner = codes[0] == 0 ? 0 : 1;
    RunningCommand refused = drivers[1 - winner];

    assertThat(codes[winner]).as(drivers[winner].log()).isZero();
    assertThat(codes[1 - winner]).as(refused.log()).isEqualTo(ExitCode.REFUSED.code());
    assertThat(refused.log())
        .contains(
            "run " + RUN + " is writing it now (process " + drivers[winner].pid() + " on ",
            "choose another --output");
    assertUndisturbed();
    assertThat(TableReader.attempts(temp.resolve("tables"))).hasSize((int) shards());
  }

  @Test
  void taskThatFailsTwiceIsTriedAgain() throws Exception {
    Path faults = Files.createDirectories(temp.resolve("faults"));
    Files.createFile(faults.resolve("part-model-00003#first"));
    Files.createFile(faults.resolve("part-model-00003#second"));

    runRemote(faults, ExitCode.DONE);

    assertThat(faults).isEmptyDirectory();
    assertUndisturbed();
    Map<String, Long> numbers = TableReader.attemptNumbers(temp.resolve("tables"));
    assertThat(numbers).hasSize((int) shards());
    assertThat(numbers)
        .allSatisfy(
            (file, number) ->
                assertThat(number).as(file).isEqualTo(file.startsWith("model-00003") ? 2L : 0L));
  }

  @Test
  void fullDiskKeepsWhatIsFinished() throws Exception {
    Path faults = Files.createDirectories(temp.resolve("faults"));
    Path full = Files.createFile(faults.resolve("part-model-00009#always"));

    String said = runRemote(faults, ExitCode.FAILED);

    assertThat(said)
        .contains(
            "/output/model-00009-of-000" + shards() + ".safetensors: No space left on device",
            "What was finished is kept; the same command goes on from there.");
    assertThat(temp.resolve("output/config.json")).doesNotExist();
    assertThat(temp.resolve("output/model.safetensors.index.json")).doesNotExist();
    try (Stream<Path> work = Files.list(temp.resolve("output/_sparkao"))) {
      assertThat(work.map(file -> file.getFileName().toString()))
          .noneMatch(name -> name.startsWith("part-"));
    }
    Map<String, String> written = attempts(temp);
    assertThat(written).isNotEmpty();
    assertThat(TableReader.statuses(temp.resolve("tables"))).containsExactly("failed");
    Files.delete(full);

    runRemote(faults, ExitCode.DONE);

    assertUndisturbed();
    assertThat(TableReader.attempts(temp.resolve("tables")))
        .hasSize((int) shards())
        .containsAllEntriesOf(written);
    assertThat(TableReader.statuses(temp.resolve("tables"))).containsExactly("done");
  }

  private static RunningCommand startSecond(Path folder) throws IOException {
    return start(
        folder.resolve("second-log.txt"), folder + "/output", List.of("--master", "local[2]"));
  }

  private RunningCommand startRemote(Path faults) throws IOException {
    return RunningCommand.start(temp.resolve("log.txt"), remoteArguments(faults));
  }

  private String runRemote(Path faults, ExitCode expected) {
    return run(remoteArguments(faults), expected);
  }

  private String[] remoteArguments(Path faults) {
    List<String> more = new ArrayList<>(RemoteFiles.options(faults));
    more.addAll(List.of("--master", "local[2]"));
    return arguments(temp, "remote:" + temp.resolve("output"), more);
  }

  private static RunningCommand start(Path folder, String master) throws IOException {
    List<String> more = new ArrayList<>(List.of("--master", master));
    if (master.startsWith("local-cluster")) {
      more.addAll(RunningCommand.clusterSettings());
    }
    return start(folder.resolve("log.txt"), folder + "/output", more);
  }

  private static String run(Path folder) {
    String[] args = arguments(folder, folder + "/output", List.of("--master", "local[2]"));
    return run(args, ExitCode.DONE);
  }

  /** In this process; returns what it says beside its results. */
  private static String run(String[] args, ExitCode expected) {
    Command command = new Command();
    assertThat(command.run(args)).as(command.err()).isEqualTo(expected);
    return command.err();
  }

  private static RunningCommand start(Path log, String output, List<String> more)
      throws IOException {
    return RunningCommand.start(log, arguments(log.getParent(), output, more));
  }

  private static String[] arguments(Path folder, String output, List<String> more) {
    List<String> args = new ArrayList<>(List.of("quantize", "--checkpoint", source.toString()));
    args.addAll(List.of("--tables", folder.resolve("tables").toString()));
    args.addAll(List.of("--output", output, "--scheme", "W4A16"));
    args.addAll(List.of("--max-shard-size", SHARD_SIZE, "--run-id", RUN));
    args.addAll(List.of("--conf", "spark.ui.enabled=false"));
    args.addAll(more);
    return args.toArray(String[]::new);
  }

  private void assertUndisturbed() throws IOException {
    Map<String, byte[]> output = Command.contents(temp.resolve("output"));
    assertThat(output.keySet()).isEqualTo(undisturbed.keySet());
    output.forEach((name, bytes) -> assertThat(bytes).as(name).isEqualTo(undisturbed.get(name)));
  }

  private static long shards() {
    return undisturbed.keySet().stream().filter(name -> name.endsWith(".safetensors")).count();
  }

  private static long finishedFiles(Path folder) {
    return attempts(folder).size();
  }

  /** Attempt of each finished file, as the tasks noted it. */
  private static Map<String, String> attempts(Path folder) {
    Path work = folder.resolve("output/_sparkao");
    Map<String, String> attempts = new HashMap<>();
    if (!Files.isDirectory(work)) {
      return attempts;
    }
    try (Stream<Path> files = Files.list(work)) {
      files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.startsWith("done-") && name.endsWith(".json"))
          .forEach(
              name -> {
                String[] parts = name.split("\\.safetensors-");
                attempts.put(
                    parts[0].substring("done-".length()) + ".safetensors",
                    parts[1].substring(0, parts[1].length() - ".json".length()));
              });
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return attempts;
  }
}
