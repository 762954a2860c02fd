package org.sparkao.gpu.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.gpu.GpuException;

class TestNativeLibraries {
  private static final String RESOURCE = "/com/sun/jna/linux-x86-64/libjnidispatch.so";
  private static final String FILE = "lib.so";

  @TempDir Path temporaryFiles;

  @Test
  void makesAFolderForThisUserAlone() throws IOException {
    Path folder = NativeLibraries.folder(temporaryFiles);
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(folder)))
        .isEqualTo("rwx------");
    assertThat(NativeLibraries.folder(temporaryFiles)).isEqualTo(folder).isEmptyDirectory();
  }

  @Test
  void refusesAFolderThatOthersMayEnter() throws IOException {
    Path folder = NativeLibraries.folder(temporaryFiles);
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxrwxrwx"));
    assertThatThrownBy(() -> NativeLibraries.folder(temporaryFiles))
        .isInstanceOf(GpuException.class)
        .hasMessage(
            "native libraries are not put into "
                + folder
                + ": its permissions are rwxrwxrwx and not rwx------; remove it, or name another"
                + " folder for temporary files (-Djava.io.tmpdir=FOLDER)");
  }

  @Test
  void refusesALink() throws IOException {
    Path folder = NativeLibraries.folder(temporaryFiles);
    Files.move(folder, temporaryFiles.resolve("elsewhere"));
    Files.createSymbolicLink(folder, temporaryFiles.resolve("elsewhere"));
    assertThatThrownBy(() -> NativeLibraries.folder(temporaryFiles))
        .hasMessageContaining("it is no folder");
  }

  @Test
  void repairsADamagedLibrary() throws IOException {
    Path library = NativeLibraries.extract(RESOURCE, temporaryFiles, FILE, "JNA");
    byte[] whole = Files.readAllBytes(library);
    Files.write(library, new byte[100]);
    NativeLibraries.extract(RESOURCE, temporaryFiles, FILE, "JNA");
    assertThat(library).hasBinaryContent(whole);
  }

  @Test
  void namesAMissingLibrary() {
    assertThatThrownBy(() -> NativeLibraries.extract("/absent.so", temporaryFiles, FILE, "JCuda"))
        .isInstanceOf(GpuException.class)
        .hasMessageContaining("the native library of JCuda cannot be loaded (no resource /absent");
  }

  @Test
  void showsAWholeLibraryOrNone() throws IOException {
    int bytes = NativeLibraries.class.getResourceAsStream(RESOURCE).readAllBytes().length;
    Path seen = temporaryFiles.resolve(FILE);
    AtomicBoolean done = new AtomicBoolean();
    CompletableFuture<Void> reader =
        CompletableFuture.runAsync(() -> checkWhole(seen, bytes, done));
    IntStream.range(0, 8)
        .mapToObj(i -> CompletableFuture.runAsync(() -> extractAgainAndAgain(seen)))
        .toList()
        .forEach(CompletableFuture::join);
    done.set(true);
    reader.join();
    NativeLibraries.extract(RESOURCE, temporaryFiles, FILE, "JNA");
    try (Stream<Path> files = Files.list(temporaryFiles)) {
      assertThat(files).containsExactly(seen);
    }
  }

  private void extractAgainAndAgain(Path seen) {
    for (int i = 0; i < 20; i++) {
      NativeLibraries.extract(RESOURCE, temporaryFiles, FILE, "JNA");
      try {
        Files.deleteIfExists(seen);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private static void checkWhole(Path file, int bytes, AtomicBoolean done) {
    while (!done.get()) {
      try {
        assertThat(Files.readAllBytes(file)).hasSize(bytes);
      } catch (NoSuchFileException e) {
        // Deleted, or not there yet.
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
