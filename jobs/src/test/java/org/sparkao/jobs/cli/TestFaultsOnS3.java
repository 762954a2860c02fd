package org.sparkao.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.storage.NewFile;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.RunRow;
import org.sparkao.jobs.table.ShardRow;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.safetensors.ByteSink;

/** On an object store: checkpoint and tables, by S3A. */
@Tag("stores")
class TestFaultsOnS3 extends AbstractTestFaults {
  static final String KEY = "PLANTEDACCESSKEY";
  static final String SECRET = "planted-secret-of-the-store";

  private static final String BUCKET = "bucket";
  private static final int PIECE = 1 << 20;

  @TempDir private static Path folder;
  private static StoreServer server;

  @BeforeAll
  static void startServer() throws IOException, InterruptedException {
    server = StoreServer.s3(folder);
    Files.createDirectories(folder.resolve("data").resolve(BUCKET));
  }

  @AfterAll
  static void stopServer() {
    server.close();
  }

  @Override
  Place place() {
    String root = "s3a://" + BUCKET + "/" + temp.getFileName();
    return new Place(
        root + "/output",
        root + "/tables",
        Stream.of(
                "endpoint=http://127.0.0.1:" + server.port(),
                "endpoint.region=us-east-1",
                "path.style.access=true",
                "multipart.size=5M",
                "access.key=" + KEY,
                "secret.key=" + SECRET)
            .map(setting -> "spark.hadoop.fs.s3a." + setting)
            .toList());
  }

  private FileSystem files() throws IOException {
    Configuration settings = Storage.ofAssignments(place().settings()).configuration();
    return FileSystem.get(URI.create(place().output()), settings);
  }

  @Test
  void uploadsOfTheDeadAreEndedAndOthersAreNot() throws Exception {
    begin(place().output() + "/model-00001-of-00016.safetensors");
    begin(place().output() + "-of-somebody-else/model.safetensors");

    RunningCommand command = start(temp.resolve("log.txt"), place(), "local[2]");

    assertThat(command.join()).as(command.log()).isZero();
    assertUndisturbed();
    assertThat(place().folder().abortUploads()).isZero();
    Folder other =
        Storage.ofAssignments(place().settings()).folder(place().output() + "-of-somebody-else");
    assertThat(other.abortUploads()).isEqualTo(1);
    assertThat(command.log()).doesNotContain(KEY, SECRET);
  }

  /** A file of several parts whose writer goes away after the first. */
  private void begin(String uri) throws Exception {
    FSDataOutputStream stream = files().create(new org.apache.hadoop.fs.Path(uri), true);
    for (int i = 0; i < 6; i++) {
      stream.write(new byte[PIECE]);
    }
    stream.hflush();
  }

  @Test
  void commitsOfTwoRunsAtOnceAreAllThere() throws Exception {
    List<RunningCommand> runs = new ArrayList<>();
    for (String run : List.of("first", "second")) {
      Place place = new Place(place().output() + run, place().tables(), place().settings());
      runs.add(start(temp.resolve(run + ".txt"), place, "local[1]", run));
    }
    for (RunningCommand run : runs) {
      assertThat(run.join()).as(run.log()).isZero();
    }
    DeltaStore tables = place().store();
    for (String run : List.of("first", "second")) {
      assertThat(tables.read(ShardRow.TABLE, run)).hasSize((int) shards());
      assertThat(tables.read(RunRow.TABLE, run))
          .extracting(row -> row.text("status"))
          .containsExactly("done");
    }
  }

  @Test
  void fileOfSeveralPartsIsThereWhenItIsWholeOrNotAtAll() throws IOException {
    Folder output = place().folder();
    byte[] piece = new byte[PIECE];
    try (ByteSink sink = output.sink("part", "file")) {
      for (int i = 0; i < 12; i++) {
        piece[0] = (byte) i;
        sink.write((long) i * PIECE, piece, 0, PIECE);
      }
      assertThat(output.list("")).isEmpty();
      sink.commit();
    }
    assertThat(output.list("")).containsExactly("file");
    byte[] read = output.read("file");
    assertThat(read).hasSize(12 * PIECE);
    for (int i = 0; i < 12; i++) {
      assertThat(read[i * PIECE]).isEqualTo((byte) i);
    }
    try (ByteSink sink = output.sink("part", "file")) {
      sink.write(0, piece, 0, 5);
    }
    assertThat(output.size("file")).as("as it was before").hasValue(12L * PIECE);
  }

  @Test
  void newFilesAreOfOneWriter() throws IOException {
    Folder output = place().folder();
    assertThat(output.create("claim", new byte[] {1})).isTrue();
    assertThat(output.create("claim", new byte[] {2})).isFalse();
    assertThat(output.read("claim")).containsExactly(1);
    NewFile.requireExclusive(files(), new org.apache.hadoop.fs.Path(place().output()));
    assertThat(output.list("")).containsExactly("claim");
  }

  @Test
  void storeWithoutConditionalWritesIsRefused() throws IOException {
    Configuration settings = Storage.ofAssignments(place().settings()).configuration();
    settings.set("fs.s3a.create.conditional.enabled", "false");
    try (FileSystem files = FileSystem.newInstance(URI.create(place().output()), settings)) {
      assertThatThrownBy(
              () ->
                  NewFile.requireExclusive(files, new org.apache.hadoop.fs.Path(place().output())))
          .isInstanceOf(QuantException.class)
          .hasMessageContaining("this store has no conditional writes");
    }
  }
}
