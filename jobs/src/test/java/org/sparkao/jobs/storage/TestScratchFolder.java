package org.sparkao.jobs.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** Folders that go away, also when what they were made for fails. */
class TestScratchFolder {
  private static final Storage STORAGE = Storage.ofAssignments(List.of());

  @Test
  void nothingIsLeftOfAFailure() {
    AtomicReference<Path> made = new AtomicReference<>();
    assertThatThrownBy(
            () -> {
              try (ScratchFolder scratch = ScratchFolder.create(STORAGE, "sparkao-test")) {
                made.set(scratch.path());
                Files.writeString(
                    Files.createDirectory(scratch.path().resolve("in")).resolve("x"), "x");
                throw new IOException("not fetched");
              }
            })
        .hasMessage("not fetched");
    assertThat(made.get().getFileName().toString()).startsWith("sparkao-test");
    assertThat(made.get()).doesNotExist();
  }
}
