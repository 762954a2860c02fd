package org.sparkao.jobs.storage;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkao.jobs.cli.RemoteFiles;
import org.sparkao.quant.safetensors.ByteSink;

/** Files that appear whole, on the local disk and on a file system that only appends. */
class TestNamedSink {
  @ParameterizedTest
  @ValueSource(strings = {"", "remote:"})
  void fileAppearsWhenItIsCommitted(String scheme, @TempDir Path temp) throws IOException {
    Path faults = Files.createDirectories(temp.resolve("faults"));
    Path output = Files.createDirectories(temp.resolve("output"));
    Folder folder =
        Storage.ofAssignments(RemoteFiles.settings(faults))
            .withScratch(faults)
            .folder(scheme + output);
    Files.writeString(output.resolve("file"), "before");

    try (ByteSink sink = folder.sink("part-1", "file")) {
      sink.write(0, new byte[] {1, 2}, 0, 2);
    }
    assertThat(folder.list("")).as("abandoned").containsExactly("file");
    assertThat(output.resolve("file")).hasContent("before");

    try (ByteSink sink = folder.sink("part-2", "file")) {
      sink.write(1, new byte[] {4}, 0, 1);
      sink.write(0, new byte[] {3}, 0, 1);
      assertThat(output.resolve("file")).hasContent("before");
      sink.commit();
      assertThat(output.resolve("file")).hasBinaryContent(new byte[] {3, 4});
    }
    assertThat(folder.list("")).isEqualTo(List.of("file"));
  }
}
