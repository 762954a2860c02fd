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
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.RunRow;

/**
 * Processes that are killed while they write, and two at once, on any file system. Every checkpoint
 * that comes out in the end must equal that of an undisturbed run on the local disk, with nothing
 * temporary beside it.
 */
abstract class AbstractTestFaults {
  private static final String RUN = "the-run";
  private static final String SHARD_SIZE = "400KB";
  private static final String WORK = "_sparkao";

  @TempDir private static Path shared;
  private static Path source;
  private static Map<String, byte[]> undisturbed;

  @TempDir Path temp;

  /**
   * Where a test writes.
   *
   * @param output URI or path of the checkpoint
   * @param tables URI or path
   * @param settings of Spark that reach them
   */
  record Place(String output, String tables, List<String> settings) {
    Folder folder() throws IOException {
      return Storage.ofAssignments(settings).folder(output);
    }

    DeltaStore store() {
      return new DeltaStore(Storage.ofAssignments(settings), tables);
    }
  }

  /** A place of this test alone, with nothing in it. */
  abstract Place place() throws IOException;

  @BeforeAll
  static void runUndisturbed() throws Exception {
    source = Checkpoints.write(shared.resolve("source"), Checkpoints.llama(16, 256, 768));
    Path folder = Files.createDirectories(shared.resolve("undisturbed"));
    Place here = new Place(folder + "/output", folder + "/tables", List.of());
    run(here, ExitCode.DONE);
    undisturbed = Command.contents(folder.resolve("output"));
    assertThat(undisturbed.keySet())
        .filteredOn(name -> name.endsWith(".safetensors"))
        .hasSizeGreaterThanOrEqualTo(15);
  }

  @Test
  void killedDriverGoesOnWhereItWas() throws Exception {
    RunningCommand first = start("local[2]");
    first.await(() -> attempts().size() >= 4);
    first.kill();
    Map<String, String> written = attempts();
    assertThat(written).hasSizeGreaterThanOrEqualTo(4);
    assertThat(place().folder().list(""))
        .doesNotContain("config.json", "model.safetensors.index.json");

    byte[] claim = place().folder().read(WORK + "/claim-000001.json");
    long begun = new ObjectMapper().readTree(claim).path("runStart").asLong();

    String said = run(place(), ExitCode.DONE);

    assertThat(place().store().read(RunRow.TABLE))
        .extracting(run -> run.instant("started_at"))
        .containsExactly(Instant.ofEpochMilli(begun));
    assertThat(said).containsPattern("\\d+ of \\d+ files are done already");
    assertUndisturbed();
    // What was finished before was not written again: the rows name the attempts of then.
    Map<String, String> committed = TableReader.attempts(place().store());
    assertThat(committed).containsAllEntriesOf(written);
    assertThat(committed).hasSize((int) shards());
    assertThat(TableReader.tensorsPerName(place().store())).containsOnly(1L);
  }

  @Test
  void killedExecutorIsReplaced() throws Exception {
    RunningCommand command = start("local-cluster[2,1,1024]");
    command.await(() -> attempts().size() >= 3);
    command.killExecutor();
    Map<String, String> written = attempts();

    assertThat(command.join()).as(command.log()).isZero();
    assertThat(command.log()).containsPattern("Lost executor \\d+ on");

    assertUndisturbed();
    // Its one core had one file in flight, perhaps finished but not yet reported.
    Map<String, String> committed = TableReader.attempts(place().store());
    assertThat(committed).hasSize((int) shards());
    assertThat(written.entrySet())
        .filteredOn(file -> !committed.get(file.getKey()).equals(file.getValue()))
        .hasSizeLessThanOrEqualTo(1);
    assertThat(TableReader.attemptNumbers(place().store()).values())
        .filteredOn(number -> number > 0)
        .hasSizeLessThanOrEqualTo(1);
  }

  @Test
  void ofTwoDriversAtOnceOneIsRefused() throws Exception {
    RunningCommand[] drivers = {start("local[2]"), startSecond()};
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
    assertThat(TableReader.attempts(place().store())).hasSize((int) shards());
  }

  private RunningCommand start(String master) throws IOException {
    return start(temp.resolve("log.txt"), place(), master);
  }

  private RunningCommand startSecond() throws IOException {
    return start(temp.resolve("second-log.txt"), place(), "local[2]");
  }

  static RunningCommand start(Path log, Place place, String master) throws IOException {
    return start(log, place, master, RUN);
  }

  static RunningCommand start(Path log, Place place, String master, String runId)
      throws IOException {
    return RunningCommand.start(log, arguments(place, master, runId));
  }

  /** In this process; returns what it says beside its results. */
  static String run(Place place, ExitCode expected) {
    Command command = new Command();
    assertThat(command.run(arguments(place, "local[2]", RUN)))
        .as(command.err())
        .isEqualTo(expected);
    return command.err();
  }

  private static String[] arguments(Place place, String master, String runId) {
    List<String> args = new ArrayList<>(List.of("quantize", "--checkpoint", source.toString()));
    args.addAll(List.of("--output", place.output(), "--tables", place.tables()));
    args.addAll(List.of("--scheme", "W4A16", "--max-shard-size", SHARD_SIZE, "--run-id", runId));
    args.addAll(List.of("--conf", "spark.ui.enabled=false", "--master", master));
    place.settings().forEach(setting -> args.addAll(List.of("--conf", setting)));
    if (master.startsWith("local-cluster")) {
      args.addAll(RunningCommand.clusterSettings());
    }
    return args.toArray(String[]::new);
  }

  void assertUndisturbed() throws IOException {
    Map<String, byte[]> output = new TreeMap<>();
    addFiles(place().folder(), "", output);
    assertThat(output.keySet()).isEqualTo(undisturbed.keySet());
    output.forEach((name, bytes) -> assertThat(bytes).as(name).isEqualTo(undisturbed.get(name)));
  }

  private static void addFiles(Folder folder, String name, Map<String, byte[]> files)
      throws IOException {
    for (String entry : folder.list(name)) {
      String path = name.isEmpty() ? entry : name + "/" + entry;
      if (folder.size(path).isPresent()) {
        files.put(path, folder.read(path));
      } else {
        addFiles(folder, path, files);
      }
    }
  }

  static long shards() {
    return undisturbed.keySet().stream().filter(name -> name.endsWith(".safetensors")).count();
  }

  /** Attempt of each finished file, as the tasks noted it. */
  Map<String, String> attempts() {
    Map<String, String> attempts = new HashMap<>();
    try {
      place().folder().list(WORK).stream()
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
