package org.sparkao.jobs;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The launcher with a Java and a Spark that only print their arguments, one a line. */
class TestLauncher {
  private static final Path SCRIPT = Path.of("").toAbsolutePath().resolve("../bin/sparkao");

  @TempDir private Path folder;
  private Path root;
  private Path java;

  private record Answer(int exitCode, String text) {
    List<String> lines() {
      return text.lines().toList();
    }
  }

  @BeforeEach
  void installation() throws IOException {
    root = folder.resolve("a checkout");
    Files.createDirectories(root.resolve("jobs/bin"));
    Files.createDirectories(root.resolve("jobs/target/lib"));
    Files.copy(SCRIPT, root.resolve("jobs/bin/sparkao"));
    Files.createFile(root.resolve("jobs/target/sparkao-jobs-1.jar"));
    java = javaOf("17.0.15");
  }

  @Test
  void startsPlainJavaForALocalMaster() throws Exception {
    Answer answer = run(Map.of("SPARK_HOME", sparkHome()), "runs", "--master", "local[2]");
    assertThat(answer.lines())
        .startsWith("java", "@" + root + "/jobs/target/jvm.options", "-Xmx2g")
        .contains("-Dsparkao.terminal=false")
        .endsWith("org.sparkao.jobs.cli.Main", "runs", "--master", "local[2]");
  }

  @Test
  void archivesTheClassesOnceForABuild() throws Exception {
    Path archive = root.resolve("jobs/target/classes-17.0.15.jsa");
    program(
        java.resolve("bin/java"),
        """
        case $1 in -version) echo 'openjdk version "17.0.15"' >&2; exit ;; esac
        for word; do
          case $word in -XX:ArchiveClassesAtExit=*) touch "${word#*=}" ;; esac
        done
        printf '%s\\n' java""");
    assertThat(run(Map.of(), "runs").lines()).noneMatch(line -> line.contains("Archive"));
    assertThat(archive).doesNotExist();
    Answer first = run(Map.of(), "quantize");
    assertThat(first.lines().get(0))
        .isEqualTo("sparkao: preparing fast starts (once, some 20 seconds)");
    assertThat(first.lines()).contains("java", "-XX:SharedArchiveFile=" + archive);
    assertThat(archive).exists();
    assertThat(run(Map.of(), "quantize").lines())
        .contains("-XX:SharedArchiveFile=" + archive)
        .noneMatch(line -> line.contains("preparing"));
    assertThat(run(Map.of(), "runs").lines()).contains("-XX:SharedArchiveFile=" + archive);
    try (Stream<Path> left = Files.list(root.resolve("jobs/target"))) {
      assertThat(left.filter(file -> file.getFileName().toString().startsWith("trial"))).isEmpty();
    }
  }

  @Test
  void startsWithoutAnArchiveThatCouldNotBeMade() throws Exception {
    Answer answer = run(Map.of(), "quantize");
    assertThat(answer.exitCode()).isZero();
    assertThat(answer.text()).contains("sparkao: that failed, see ", "jobs start slower");
    assertThat(answer.lines()).noneMatch(line -> line.startsWith("-XX:SharedArchiveFile"));
    assertThat(run(Map.of("SPARKAO_JAVA_OPTS", "-Xshare:off"), "quantize").text())
        .doesNotContain("preparing");
  }

  @Test
  void takesTheHeapFromTheEnvironment() throws Exception {
    assertThat(run(Map.of("SPARKAO_MEMORY", "7g"), "runs").lines()).contains("-Xmx7g");
  }

  @Test
  void handsMasterAndConfToSparkSubmitAndEverythingToTheJob() throws Exception {
    Answer answer =
        run(
            Map.of("SPARK_HOME", sparkHome()),
            "quantize",
            "--checkpoint=a b",
            "--master=yarn",
            "--conf",
            "spark.x=1 2");
    assertThat(answer.lines())
        .containsExactly(
            "spark-submit",
            "--class",
            "org.sparkao.jobs.cli.Main",
            "--driver-memory",
            "2g",
            "--master",
            "yarn",
            "--conf",
            "spark.x=1 2",
            root + "/jobs/target/sparkao-jobs-1.jar",
            "quantize",
            "--checkpoint=a b",
            "--master=yarn",
            "--conf",
            "spark.x=1 2");
  }

  @Test
  void sparkSubmitLogsAsPlainJavaDoes() throws Exception {
    Path home = folder.resolve("spark home");
    program(home.resolve("bin/spark-submit"), "printf '%s\\n' \"$SPARK_SUBMIT_OPTS\"; exit\n:");
    Map<String, String> environment =
        Map.of("SPARK_HOME", home.toString(), "SPARK_SUBMIT_OPTS", "-Dmine=1");
    assertThat(run(environment, "runs", "--master", "yarn").lines())
        .containsExactly(
            "\"-Dlog4j2.configurationFile=" + root + "/conf/log4j2.properties\" -Dmine=1");
  }

  @Test
  void aFileOfSettingsNamesMasterAndMemory() throws Exception {
    Path file = folder.resolve("my cluster.conf");
    Files.writeString(
        file, "# spark.master yarn\nspark.master   spark://host:7077 \nspark.driver.memory=3g\n");
    Answer answer =
        run(Map.of("SPARK_HOME", sparkHome()), "runs", "--properties-file", file.toString());
    assertThat(answer.lines())
        .containsExactly(
            "spark-submit",
            "--class",
            "org.sparkao.jobs.cli.Main",
            "--driver-memory",
            "3g",
            "--properties-file",
            file.toString(),
            root + "/jobs/target/sparkao-jobs-1.jar",
            "runs",
            "--properties-file",
            file.toString());
    assertThat(
            run(
                    Map.of("SPARK_HOME", sparkHome(), "SPARKAO_MEMORY", "1g"),
                    "runs",
                    "--properties-file=" + file,
                    "--master",
                    "local[1]")
                .lines())
        .startsWith("java")
        .contains("-Xmx1g");
  }

  /** As the release archive unpacks: no sources, and no Maven to build them with. */
  @Test
  void aReleaseRunsFromItsFolder() throws Exception {
    Path release = folder.resolve("sparkao 1");
    Files.createDirectories(release.resolve("bin"));
    Files.createDirectories(release.resolve("lib"));
    Files.copy(SCRIPT, release.resolve("bin/sparkao"));
    Answer incomplete = run(release.resolve("bin/sparkao"), Map.of(), "runs");
    assertThat(incomplete.exitCode()).isEqualTo(2);
    assertThat(incomplete.text()).contains("holds no sparkao-jobs-*.jar; unpack the release again");
    Files.createFile(release.resolve("sparkao-jobs-1.jar"));
    assertThat(run(release.resolve("bin/sparkao"), Map.of(), "runs").lines())
        .startsWith("java", "@" + release + "/jvm.options")
        .contains(
            "-Dlog4j2.configurationFile=" + release + "/conf/log4j2.properties",
            release + "/sparkao-jobs-1.jar:" + release + "/lib/*");
  }

  @Test
  void startsPlainJavaForAClusterWithoutAnInstallationOfSpark() throws Exception {
    assertThat(run(Map.of(), "runs", "--master", "spark://host:7077").lines()).startsWith("java");
  }

  @Test
  void findsItsFolderThroughALink() throws Exception {
    Path link = Files.createSymbolicLink(folder.resolve("link"), root.resolve("jobs/bin/sparkao"));
    assertThat(run(link, Map.of(), "runs").lines()).endsWith("org.sparkao.jobs.cli.Main", "runs");
  }

  @Test
  void refusesAnOlderJava() throws Exception {
    java = javaOf("11.0.2");
    Answer answer = run(Map.of(), "runs");
    assertThat(answer.exitCode()).isEqualTo(2);
    assertThat(answer.text())
        .isEqualTo(
            "sparkao: %s/bin/java is Java 11; sparkao needs 17 or later (set JAVA_HOME)%n", java);
  }

  @Test
  void refusesAJavaHomeWithoutJava() throws Exception {
    java = folder.resolve("nothing");
    Answer answer = run(Map.of(), "runs");
    assertThat(answer.exitCode()).isEqualTo(2);
    assertThat(answer.text()).contains("holds no bin/java; set it to a JDK of Java 17 or later");
  }

  @Test
  void refusesASparkHomeWithoutSpark() throws Exception {
    Answer answer = run(Map.of("SPARK_HOME", "/nothing"), "runs", "--master", "yarn");
    assertThat(answer.exitCode()).isEqualTo(2);
    assertThat(answer.text())
        .isEqualTo(
            "sparkao: SPARK_HOME is /nothing, which holds no bin/spark-submit"
                + System.lineSeparator());
  }

  private Answer run(Map<String, String> environment, String... args) throws Exception {
    return run(root.resolve("jobs/bin/sparkao"), environment, args);
  }

  private Answer run(Path script, Map<String, String> environment, String... args)
      throws Exception {
    List<String> command = new ArrayList<>(List.of("sh", script.toString()));
    command.addAll(Arrays.asList(args));
    ProcessBuilder builder =
        new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true);
    builder.environment().keySet().removeIf(name -> name.startsWith("SPARK"));
    builder.environment().put("JAVA_HOME", java.toString());
    builder.environment().putAll(environment);
    Process process = builder.start();
    String text = new String(process.getInputStream().readAllBytes(), UTF_8);
    return new Answer(process.waitFor(), text);
  }

  private Path javaOf(String version) throws IOException {
    Path home = folder.resolve("java " + version);
    String answer = "openjdk version \"" + version + "\" 2025-04-15";
    program(
        home.resolve("bin/java"),
        "[ \"$1\" != -version ] || { echo '" + answer + "' >&2; exit; }\nprintf '%s\\n' java");
    return home;
  }

  private String sparkHome() throws IOException {
    Path home = folder.resolve("spark home");
    program(home.resolve("bin/spark-submit"), "printf '%s\\n' spark-submit");
    return home.toString();
  }

  private static void program(Path file, String start) throws IOException {
    Files.createDirectories(file.getParent());
    Files.writeString(file, "#!/bin/sh\n" + start + " \"$@\"\n");
    assertThat(file.toFile().setExecutable(true)).isTrue();
  }
}
