package org.sparkao.jobs.export.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.datasets.sample.BundledSample;
import org.sparkao.quant.checkpoint.CheckpointFiles;
import org.sparkao.quant.checkpoint.FileEntry;
import org.sparkao.quant.checkpoint.LocalFiles;
import org.sparkao.quant.safetensors.ByteSource;

class TestOpenedWeights {
  /** Notes which files are opened. */
  private record Counted(LocalFiles folder, List<String> opened) implements CheckpointFiles {
    @Override
    public String location() {
      return folder.location();
    }

    @Override
    public List<FileEntry> files() throws IOException {
      return folder.files();
    }

    @Override
    public List<String> folders() throws IOException {
      return folder.folders();
    }

    @Override
    public ByteSource open(String name) throws IOException {
      opened.add(name);
      return folder.open(name);
    }
  }

  @Test
  void headersAreReadOnceForAllTasks(@TempDir Path temp) throws IOException {
    LocalFiles files = LocalFiles.of(BundledSample.copyCheckpointTo(temp.resolve("model")));
    List<String> first = new ArrayList<>();
    assertThat(OpenedWeights.of(new Counted(files, first), "one").holds("model.norm.weight"))
        .isTrue();
    assertThat(first).isNotEmpty();
    List<String> second = new ArrayList<>();
    OpenedWeights.of(new Counted(files, second), "one");
    assertThat(second).isEmpty();
    OpenedWeights.of(new Counted(files, second), "other");
    assertThat(second).as("of a checkpoint that is another").isEqualTo(first);
  }
}
