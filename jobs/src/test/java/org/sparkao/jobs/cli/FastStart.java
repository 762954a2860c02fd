package org.sparkao.jobs.cli;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;
import org.apache.spark.launcher.JavaModuleOptions;
import org.sparkao.datasets.sample.BundledSample;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.quant.safetensors.Sha256;

/**
 * The class path of processes that tests start, and an archive of the classes that they load, with
 * which they start in half the time. Made once for a state of the class path, in the build folder;
 * archives hold classes of jars only, so folders of classes become jars first.
 *
 * @param classPath of jars
 * @param archive for {@code -XX:SharedArchiveFile}
 */
record FastStart(String classPath, Path archive) {
  private static final String PREFIX = "fast-start-";
  private static final Path BUILD = Path.of("").toAbsolutePath();

  private static FastStart made;

  /** Makes it if need be; tests of another process that need it too wait. */
  static synchronized FastStart get() {
    if (made == null) {
      Path lock = BUILD.resolve("lock-of-" + PREFIX + "folders");
      try (FileChannel channel =
          FileChannel.open(lock, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
        channel.lock();
        made = find();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return made;
  }

  /** Options of a JVM, before the class path. */
  String option() {
    return "-XX:SharedArchiveFile=" + archive;
  }

  private static FastStart find() throws IOException {
    List<Path> entries =
        Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
            .map(Path::of)
            .filter(Files::exists)
            .toList();
    Path folder = BUILD.resolve(PREFIX + state(entries));
    List<String> jars = new ArrayList<>();
    for (Path entry : entries) {
      boolean jar = Files.isRegularFile(entry);
      jars.add((jar ? entry : folder.resolve(jars.size() + ".jar")).toString());
    }
    FastStart fast =
        new FastStart(String.join(File.pathSeparator, jars), folder.resolve("classes.jsa"));
    if (!Files.exists(fast.archive)) {
      deleteOthers();
      Files.createDirectory(folder);
      for (int i = 0; i < jars.size(); i++) {
        if (Files.isDirectory(entries.get(i))) {
          jar(entries.get(i), jars.get(i));
        }
      }
      fast.train(folder);
    }
    return fast;
  }

  /** Changes with any file of the class path. */
  private static String state(List<Path> entries) throws IOException {
    MessageDigest digest = Sha256.newDigest();
    for (Path entry : entries) {
      try (Stream<Path> files = Files.walk(entry)) {
        for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
          String line =
              file + " " + Files.size(file) + " " + Files.getLastModifiedTime(file) + "\n";
          digest.update(line.getBytes());
        }
      }
    }
    return Sha256.hex(digest).substring(0, 16);
  }

  private static void deleteOthers() throws IOException {
    Folder build = Storage.ofAssignments(List.of()).folder(BUILD.toString());
    for (String name : build.list("")) {
      if (name.startsWith(PREFIX)) {
        build.delete(name);
      }
    }
  }

  private static void jar(Path classes, String file) {
    int code =
        ToolProvider.findFirst("jar")
            .orElseThrow()
            .run(System.out, System.err, "-c0f", file, "-C", classes.toString(), ".");
    if (code != 0) {
      throw new IllegalStateException(classes + " could not be made a jar");
    }
  }

  /**
   * Quantization in local mode loads most of what all jobs and their executors do: Spark and Delta.
   */
  private void train(Path folder) throws IOException {
    Path log = folder.resolve("log.txt");
    Path unfinished = folder.resolve("unfinished.jsa");
    List<String> line = java();
    line.addAll(List.of("-XX:ArchiveClassesAtExit=" + unfinished, "-cp", classPath));
    Path sample = BundledSample.copyCheckpointTo(folder.resolve("sample"));
    line.addAll(List.of(Main.class.getName(), "quantize", "--checkpoint", sample.toString()));
    line.addAll(List.of("--scheme", "FP8_DYNAMIC", "--output", "out", "--tables", "tables"));
    line.addAll(List.of("--master", "local[2]", "--conf", "spark.ui.enabled=false"));
    Process process =
        new ProcessBuilder(line)
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    if (process.onExit().join().exitValue() != 0 || !Files.exists(unfinished)) {
      throw new IllegalStateException("no archive of classes: " + Files.readString(log));
    }
    Files.move(unfinished, archive, StandardCopyOption.ATOMIC_MOVE);
  }

  /** The JVM of such a process with the options that Spark needs. */
  static List<String> java() {
    List<String> line = new ArrayList<>();
    line.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    line.addAll(List.of(JavaModuleOptions.defaultModuleOptions().trim().split("\\s+")));
    line.addAll(List.of("-XX:+UseSerialGC", "-Xmx1g"));
    return line;
  }
}
