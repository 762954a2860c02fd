package org.sparkao.datasets.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.datasets.DatasetException;
import org.sparkao.datasets.sample.BundledSample;

final class TestNativeLibraries {
  @Test
  void folderIsPrivate(@TempDir Path parent) throws IOException {
    Path folder = NativeLibraries.folder(parent.resolve("new"));
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(folder)))
        .isEqualTo("rwx------");
    assertThat(NativeLibraries.folder(parent.resolve("new"))).isEqualTo(folder);
  }

  @Test
  void folderThatOthersMayWriteToIsRefused(@TempDir Path parent) throws IOException {
    Path folder = NativeLibraries.folder(parent);
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxrwxrwx"));
    assertThatThrownBy(() -> NativeLibraries.folder(parent))
        .isInstanceOf(DatasetException.class)
        .hasMessageContaining("its permissions are rwxrwxrwx and not rwx------")
        .hasMessageContaining("-Dsparkao.native-folder=FOLDER");
  }

  @Test
  void linkIsRefused(@TempDir Path parent) throws IOException {
    Path folder = NativeLibraries.folder(parent);
    Files.move(folder, parent.resolve("other"));
    Files.createSymbolicLink(folder, parent.resolve("other"));
    assertThatThrownBy(() -> NativeLibraries.folder(parent))
        .isInstanceOf(DatasetException.class)
        .hasMessageContaining("it is no folder");
  }

  /** In a JVM of its own: where libraries go, and that the home folder stays as it is. */
  @Test
  void librariesGoToTheFolderThatIsNamed(@TempDir Path folder) throws Exception {
    Path home = Files.createDirectory(folder.resolve("home"));
    Path temporary = Files.createDirectory(folder.resolve("tmp"));
    Path sample = BundledSample.copyCheckpointTo(folder.resolve("sample"));
    ProcessBuilder command =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Duser.home=" + home,
            "-Djava.io.tmpdir=" + temporary,
            "-XX:-UsePerfData",
            "-Dsparkao.native-folder=" + folder.resolve("native"),
            "-cp",
            System.getProperty("java.class.path"),
            OpenOnce.class.getName(),
            sample.toString());
    command.redirectErrorStream(true);
    command.environment().put("HOME", home.toString());
    Process process = command.start();
    String output = new String(process.getInputStream().readAllBytes(), "UTF-8");
    assertThat(process.waitFor()).as(output).isZero();
    assertThat(files(home)).isEmpty();
    assertThat(files(temporary)).isEmpty();
    assertThat(files(folder.resolve("native"))).contains("libtokenizers.so");
  }

  private static List<String> files(Path folder) throws IOException {
    try (Stream<Path> paths = Files.walk(folder)) {
      return paths.filter(Files::isRegularFile).map(p -> p.getFileName().toString()).toList();
    }
  }

  /** The program of that JVM. */
  static final class OpenOnce {
    private OpenOnce() {}

    public static void main(String[] arguments) {
      try (Tokenizer tokenizer = Tokenizers.open(Path.of(arguments[0]))) {
        System.out.println(tokenizer.encode("a dog").length);
      }
    }
  }
}
