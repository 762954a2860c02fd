package org.sparkao.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerJobStart;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.spark.SparkLease;
import org.sparkao.jobs.table.RunRow;
import org.sparkao.jobs.table.TableRow;

/** What a run leaves when it fails, and what the next one makes of it. */
class TestRunState {
  private static final String SECRET = "planted-4711";

  @TempDir private static Path shared;
  private static Path faults;
  private static SparkLease spark;

  @TempDir private Path temp;
  private final Command command = new Command();
  private Path source;
  private Path output;

  @BeforeAll
  static void startSpark() throws IOException {
    faults = Files.createDirectories(shared.resolve("faults"));
    spark = Command.spark(RemoteFiles.settings(faults));
  }

  @AfterAll
  static void stopSpark() {
    spark.close();
  }

  @BeforeEach
  void writeSource() throws IOException {
    for (Path fault : faultFiles()) {
      Files.delete(fault);
    }
    source = Checkpoints.write(temp.resolve("source"), Checkpoints.llama(2, 128, 256));
    output = temp.resolve("output");
  }

  private static List<Path> faultFiles() throws IOException {
    try (Stream<Path> files = Files.list(faults)) {
      return files.toList();
    }
  }

  private ExitCode quantize(String uri, String... more) {
    List<String> args = new ArrayList<>(RemoteFiles.options(faults));
    args.addAll(List.of("quantize", "--checkpoint", source.toString(), "--output", uri));
    args.addAll(List.of("--tables", temp.resolve("tables").toString()));
    args.addAll(List.of("--scheme", "W4A16", "--max-shard-size", "100KB"));
    args.addAll(List.of(more));
    // The job comes first.
    args.remove("quantize");
    args.add(0, "quantize");
    return command.run(args.toArray(String[]::new));
  }

  @Test
  void tablesThatCannotBeWrittenCostNoWork() throws IOException {
    Path file = Files.writeString(temp.resolve("file"), "no folder");

    ExitCode code = quantize(output.toString(), "--set", "tables=" + file);

    assertThat(code).as(command.err()).isEqualTo(ExitCode.FAILED);
    assertThat(command.err()).contains("sparkao quantize: failed: ");
    try (Stream<Path> work = Files.list(output.resolve("_sparkao"))) {
      assertThat(work.map(path -> path.getFileName().toString()))
          .allMatch(name -> name.startsWith("claim-") || name.startsWith("beat-"));
    }
    String run = Files.readString(output.resolve("_sparkao/claim-000001.json"));
    String begun = run.replaceAll("(?s).*\"runId\" : \"([^\"]+)\".*", "$1");

    assertThat(quantize(output.toString(), "--set", "scheme=W8A16")).isEqualTo(ExitCode.REFUSED);
    assertThat(command.err())
        .contains(
            "refused: "
                + output
                + ": holds the unfinished run "
                + begun
                + " of another recipe or another source; repeat that run's command, delete the"
                + " folder, or choose another --output");
    assertThat(quantize(output.toString(), "--run-id", "other")).isEqualTo(ExitCode.REFUSED);
    assertThat(command.err())
        .contains(
            "refused: "
                + output
                + ": this work was begun as run "
                + begun
                + "; leave out --run-id other to go on with it");

    assertThat(quantize(output.toString())).as(command.err()).isEqualTo(ExitCode.DONE);
    assertThat(output.resolve("_sparkao")).doesNotExist();
  }

  @Test
  void failureOfTheLastFilesIsInTheTables() throws IOException {
    Path fault = Files.createFile(faults.resolve("config.json#always"));

    assertThat(quantize("remote:" + output)).isEqualTo(ExitCode.FAILED);

    assertThat(command.err()).contains("No space left on device");
    assertThat(TableReader.statuses(temp.resolve("tables"))).containsExactly("failed");
    assertThat(output.resolve("config.json")).doesNotExist();
    Files.delete(fault);
    assertThat(quantize("remote:" + output)).as(command.err()).isEqualTo(ExitCode.DONE);
    assertThat(TableReader.statuses(temp.resolve("tables"))).containsExactly("done");
  }

  @Test
  void noteThatWasCutShortIsNoObstacle() throws IOException {
    Path fault = Files.createFile(faults.resolve("part-config.json#always"));
    assertThat(quantize("remote:" + output)).isEqualTo(ExitCode.FAILED);
    Files.delete(fault);
    // The rows are lost and a note is empty, as after a kill in the middle of writing it.
    Files.move(temp.resolve("tables"), temp.resolve("lost"));
    List<Path> notes;
    try (Stream<Path> work = Files.list(output.resolve("_sparkao"))) {
      notes = work.filter(path -> path.getFileName().toString().startsWith("done-")).toList();
    }
    assertThat(notes).hasSizeGreaterThan(2);
    Files.write(notes.get(0), new byte[0]);

    assertThat(quantize("remote:" + output)).as(command.err()).isEqualTo(ExitCode.DONE);

    assertThat(command.err())
        .contains((notes.size() - 1) + " of " + notes.size() + " files are done already");
    assertThat(TableReader.attempts(temp.resolve("tables"))).hasSize(notes.size());
    assertThat(TableReader.tensorsPerName(temp.resolve("tables"))).containsOnly(1L);
  }

  @Test
  void sparkKnowsTheRunAndWhatTheStageDoes() throws Exception {
    BlockingQueue<SparkListenerJobStart> jobs = new LinkedBlockingQueue<>();
    SparkListener listener =
        new SparkListener() {
          @Override
          public void onJobStart(SparkListenerJobStart job) {
            jobs.add(job);
          }
        };
    spark.context().addSparkListener(listener);
    try {
      assertThat(quantize(output.toString(), "--run-id", "weekly")).isEqualTo(ExitCode.DONE);
    } finally {
      spark.context().removeSparkListener(listener);
    }
    SparkListenerJobStart job = jobs.poll(10, TimeUnit.SECONDS);
    assertThat(job.properties().getProperty("spark.jobGroup.id")).isEqualTo("weekly");
    String description = job.properties().getProperty("spark.job.description");
    assertThat(description).matches("Quantize " + source + " to W4A16: write \\d+ files");
    assertThat(job.stageInfos().head().name()).isEqualTo(description);
  }

  @Test
  void secretIsNowhere() throws IOException {
    ExitCode code =
        quantize(
            output.toString(),
            "--run-id",
            "r",
            "--conf",
            "spark.hadoop.fs.s3a.secret.key=" + SECRET);

    assertThat(code).as(command.err()).isEqualTo(ExitCode.DONE);
    assertThat(command.out() + command.err()).doesNotContain(SECRET);
    Path tables = temp.resolve("tables");
    TableRow run = TableReader.rows(tables, RunRow.TABLE).get(0);
    assertThat(run.text("arguments"))
        .startsWith("[\"quantize\",\"--conf\",")
        .contains("spark.hadoop.fs.s3a.secret.key=*(redacted)")
        .doesNotContain(SECRET);
    assertThat(run.text("config"))
        .contains("spark.hadoop.fs.s3a.secret.key=*(redacted)")
        .doesNotContain(SECRET);
    Path page = temp.resolve("page.html");
    assertThat(command.run("describe", "r", "--tables", tables.toString(), "--html", page + ""))
        .isEqualTo(ExitCode.DONE);
    assertThat(page).content().contains("secret.key=*(redacted)").doesNotContain(SECRET);
    assertThat(command.out()).doesNotContain(SECRET);
    assertThat(Files.readString(output.resolve("sparkao.json"))).doesNotContain(SECRET);
  }

  @Test
  void etagTellsThatTheSourceWasChanged() throws IOException {
    Files.createFile(faults.resolve("config.json#always"));
    String calibrated = "remote:" + source;
    ExitCode first = quantize("remote:" + output, "--set", "checkpoint=" + calibrated);
    Files.delete(faults.resolve("config.json#always"));
    assertThat(first).as(command.err()).isEqualTo(ExitCode.FAILED);
    // The same bytes and the same time, written again.
    Path file = source.resolve("model.safetensors");
    var time = Files.getLastModifiedTime(file);
    Files.write(file, Files.readAllBytes(file));
    Files.setLastModifiedTime(file, time);

    assertThat(quantize("remote:" + output, "--set", "checkpoint=" + calibrated))
        .isEqualTo(ExitCode.REFUSED);
    assertThat(command.err()).contains("of another recipe or another source");
  }
}
