package org.sparkao.jobs.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Path;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.jobs.storage.FakeObjectStore;
import org.sparkao.jobs.storage.FakeObjectStore.Fault;
import org.sparkao.quant.QuantException;

class TestS3Log {
  private static final String COMMIT = "00000000000000000007.json";

  @TempDir private Path temp;

  private void write(Configuration settings, boolean overwrite, String... actions)
      throws IOException {
    write("good", settings, overwrite, actions);
  }

  private void write(String bucket, Configuration settings, boolean overwrite, String... actions)
      throws IOException {
    new S3Log(settings)
        .write(
            new org.apache.hadoop.fs.Path("s3a://" + bucket + temp + "/_delta_log/" + COMMIT),
            List.of(actions).iterator(),
            overwrite,
            settings);
  }

  private static Configuration settings(Fault fault) {
    return FakeObjectStore.settings(fault, COMMIT);
  }

  private Path log() {
    return temp.resolve("_delta_log");
  }

  @Test
  void commitIsOfTheFirstDriver() throws IOException {
    write(settings(Fault.NOTHING), false, "{\"a\": 1}", "{\"b\": 2}");
    assertThatThrownBy(() -> write(settings(Fault.NOTHING), false, "{\"c\": 3}"))
        .as("what Delta goes on from, with the next number")
        .isInstanceOf(FileAlreadyExistsException.class)
        .hasMessageEndingWith(COMMIT);
    assertThat(log().resolve(COMMIT)).hasContent("{\"a\": 1}\n{\"b\": 2}\n");
    assertThat(log()).isDirectoryNotContaining("glob:**trial*");
  }

  @Test
  void commitWhoseAnswerWasLostIsNotMadeAgain() throws IOException {
    write(settings(Fault.ANSWER), false, "{\"a\": 1}");
    assertThat(log().resolve(COMMIT)).hasContent("{\"a\": 1}\n");
  }

  @Test
  void commitIsNotThereByHalf() {
    assertThatThrownBy(() -> write(settings(Fault.WRITE), false, "{\"a\": 1}"))
        .hasMessage("No space left on device");
    assertThat(log().resolve(COMMIT)).doesNotExist();
  }

  @Test
  void otherFilesAreOverwritten() throws IOException {
    write(settings(Fault.NOTHING), true, "{\"a\": 1}");
    write(settings(Fault.NOTHING), true, "{\"b\": 2}");
    assertThat(log().resolve(COMMIT)).hasContent("{\"b\": 2}\n");
  }

  @Test
  void storeThatTakesNoNoticeOfConditionsIsRefused() {
    assertThatThrownBy(() -> write("careless", FakeObjectStore.careless(), false, "{\"a\": 1}"))
        .isInstanceOf(QuantException.class)
        .hasMessageContaining("this store has no conditional writes");
    assertThat(log()).isEmptyDirectory();
  }
}
