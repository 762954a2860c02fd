package org.sparkao.jobs.cli;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.sparkao.jobs.config.CommonKeys;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.config.ConfigLayer;
import org.sparkao.jobs.job.Console;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.spark.SparkLease;

/** Runs commands in this JVM, as a shell would. */
final class Command {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  /**
   * Spark on two local threads, which commands of this JVM find.
   *
   * @param settings of it, as {@code --conf} takes them
   * @return the caller closes it
   */
  static SparkLease spark(List<String> settings) {
    List<String> conf = new ArrayList<>(settings);
    conf.add("spark.ui.enabled=false");
    Map<String, List<String>> values = Map.of("master", List.of("local[2]"), "conf", conf);
    return SparkLease.open(
        Config.resolve(CommonKeys.all(), List.of(new ConfigLayer("test", values))), "test");
  }

  ExitCode run(String... args) {
    out.reset();
    err.reset();
    Console console =
        new Console(
            new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8),
            Console.Terminal.PLAIN);
    return new CommandRunner(Jobs.all(), console).run(args);
  }

  /** Quantizes with settings that suit a small test. */
  ExitCode quantize(Path checkpoint, Path output, String... more) {
    List<String> args =
        new ArrayList<>(
            List.of(
                "quantize",
                "--checkpoint",
                checkpoint.toString(),
                "--output",
                output.toString(),
                "--tables",
                output.resolveSibling("tables").toString(),
                "--master",
                "local[2]",
                "--conf",
                "spark.ui.enabled=false"));
    args.addAll(List.of(more));
    return run(args.toArray(String[]::new));
  }

  /** Writes a GGUF file. */
  ExitCode export(Path checkpoint, Path output, String... more) {
    List<String> args =
        new ArrayList<>(
            List.of(
                "export",
                "--checkpoint",
                checkpoint.toString(),
                "--output",
                output.toString(),
                "--tables",
                output.resolveSibling("tables").toString()));
    args.addAll(List.of(more));
    return run(args.toArray(String[]::new));
  }

  /** A folder of golden vectors; without it the test is skipped. */
  static Path golden(String name) {
    Path folder = Path.of(System.getProperty("sparkao.shared", "none"), "golden", name);
    assumeTrue(Files.isDirectory(folder), "golden data is not here");
    return folder;
  }

  String out() {
    return out.toString(StandardCharsets.UTF_8);
  }

  String err() {
    return err.toString(StandardCharsets.UTF_8);
  }

  /** Names and contents of all files under a folder; nothing for a folder that is not there. */
  static Map<String, byte[]> contents(Path folder) throws IOException {
    Map<String, byte[]> contents = new TreeMap<>();
    if (Files.exists(folder)) {
      try (Stream<Path> tree = Files.walk(folder)) {
        for (Path file : tree.filter(Files::isRegularFile).toList()) {
          contents.put(folder.relativize(file).toString(), Files.readAllBytes(file));
        }
      }
    }
    return contents;
  }
}
