package org.sparkao.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.sparkao.jobs.job.ExitCode;

/** On a local disk, and on a file system that only appends and fails when it is told to. */
@Tag("faults")
class TestFaults extends AbstractTestFaults {
  @Override
  Place place() {
    return new Place(
        temp.resolve("output").toString(), temp.resolve("tables").toString(), List.of());
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
  void taskThatFailsTwiceIsTriedAgain() throws Exception {
    Path faults = Files.createDirectories(temp.resolve("faults"));
    Files.createFile(faults.resolve("part-model-00003#first"));
    Files.createFile(faults.resolve("part-model-00003#second"));

    runRemote(faults, ExitCode.DONE);

    assertThat(faults).isEmptyDirectory();
    assertUndisturbed();
    Map<String, Long> numbers = TableReader.attemptNumbers(place().store());
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
    Map<String, String> written = attempts();
    assertThat(written).isNotEmpty();
    assertThat(TableReader.statuses(temp.resolve("tables"))).containsExactly("failed");
    Files.delete(full);

    runRemote(faults, ExitCode.DONE);

    assertUndisturbed();
    assertThat(TableReader.attempts(place().store()))
        .hasSize((int) shards())
        .containsAllEntriesOf(written);
    assertThat(TableReader.statuses(temp.resolve("tables"))).containsExactly("done");
  }

  private RunningCommand startRemote(Path faults) throws IOException {
    return start(temp.resolve("log.txt"), remote(faults), "local[2]");
  }

  private String runRemote(Path faults, ExitCode expected) {
    return run(remote(faults), expected);
  }

  private Place remote(Path faults) {
    return new Place(
        "remote:" + temp.resolve("output"), place().tables(), RemoteFiles.settings(faults));
  }
}
