package org.sparkao.jobs.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkao.jobs.storage.FakeObjectStore.Fault;

/** Small files on object stores, which take the closing of a stream for the end of a file. */
class TestWholeFile {
  private static final String NAME = "claim";
  private static final byte[] MINE = bytes("mine, of this process");
  private static final byte[] OTHERS = bytes("another's");

  @TempDir private Path temp;

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private Folder folder(Fault fault) throws IOException {
    return HadoopFolder.open("s3a://bucket" + temp, FakeObjectStore.settings(fault, NAME), temp);
  }

  private Path file() {
    return temp.resolve(NAME);
  }

  @Test
  void newFileIsOfTheFirst() throws IOException {
    assertThat(folder(Fault.NOTHING).create(NAME, MINE)).isTrue();
    assertThat(folder(Fault.NOTHING).create(NAME, OTHERS)).isFalse();
    assertThat(file()).hasBinaryContent(MINE);
  }

  @Test
  void newFileIsNotThereByHalf() throws IOException {
    for (Fault fault : new Fault[] {Fault.WRITE, Fault.CLOSE}) {
      assertThatThrownBy(() -> folder(fault).create(NAME, MINE)).isInstanceOf(IOException.class);
      assertThat(temp).as(fault.name()).isEmptyDirectory();
    }
  }

  @Test
  void newFileIsMineWhenTheAnswerWasLost() throws IOException {
    assertThat(folder(Fault.ANSWER).create(NAME, MINE)).isTrue();
    assertThat(file()).hasBinaryContent(MINE);
  }

  @Test
  void newFileIsAnothersWhoseContentIsThere() throws IOException {
    Files.write(file(), OTHERS);
    for (Fault fault : new Fault[] {Fault.NOTHING, Fault.CLOSE, Fault.ANSWER}) {
      assertThat(folder(fault).create(NAME, MINE)).as(fault.name()).isFalse();
    }
    Files.write(file(), bytes("mine, of this process and more"));
    assertThat(folder(Fault.NOTHING).create(NAME, MINE)).isFalse();
  }

  @Test
  void replacedFileIsAsItWasWhenTheNewOneIsNotWhole() throws IOException {
    Files.write(file(), OTHERS);
    assertThatThrownBy(() -> folder(Fault.WRITE).replace(NAME, MINE))
        .hasMessage("No space left on device");
    assertThat(file()).hasBinaryContent(OTHERS);
    folder(Fault.NOTHING).replace(NAME, MINE);
    assertThat(file()).hasBinaryContent(MINE);
  }

  @Test
  void largeFileIsAsItWasWhenTheNewOneIsNotWhole() throws IOException {
    Files.write(file(), OTHERS);
    try (var sink = folder(Fault.WRITE).sink("part", NAME)) {
      sink.write(0, MINE, 0, MINE.length);
      assertThatThrownBy(sink::commit).hasMessage("No space left on device");
    }
    assertThat(file()).hasBinaryContent(OTHERS);
  }

  /** Where a stream cannot be given up, its closing says that another was first. */
  @Test
  void anothersFileIsNotTakenBack() throws IOException {
    Folder google =
        HadoopFolder.open("gs://bucket" + temp, FakeObjectStore.settings(Fault.WRITE, NAME), temp);
    assertThatThrownBy(() -> google.create(NAME, MINE)).hasMessage("No space left on device");
    assertThat(temp).isEmptyDirectory();
    Files.write(file(), OTHERS);
    assertThatThrownBy(() -> google.create(NAME, MINE)).hasMessage("No space left on device");
    assertThat(file()).hasBinaryContent(OTHERS);
  }

  /** A disk may tell that it is full when it is written to, HDFS also when a file is closed. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void fileSystemsHaveNoHalfFilesToo(boolean late) throws IOException {
    Configuration settings = new Configuration();
    settings.set("fs.full.impl", FullDisk.class.getName());
    settings.setBoolean("fs.full.impl.disable.cache", true);
    settings.setBoolean(FullDisk.LATE, late);
    Folder folder = HadoopFolder.open("full:" + temp, settings, temp);
    assertThatThrownBy(() -> folder.create(NAME, MINE)).hasMessage("No space left on device");
    assertThatThrownBy(() -> folder.replace(NAME, MINE)).hasMessage("No space left on device");
    assertThat(temp).isEmptyDirectory();
  }
}
