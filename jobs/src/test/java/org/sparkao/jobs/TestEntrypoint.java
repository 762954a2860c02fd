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
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The container's entry point with a Java that prints its arguments, one a line. What it has to do
 * with them is what Spark's own image does (entrypoint.sh of Spark 4.2 for Kubernetes).
 */
class TestEntrypoint {
  private static final Path SCRIPT =
      Path.of(System.getProperty("sparkao.root"), "conf", "container", "entrypoint.sh");

  @TempDir private Path folder;
  private Path home;

  private record Answer(int exitCode, String text) {
    List<String> lines() {
      return text.lines().toList();
    }
  }

  @BeforeEach
  void installation() throws IOException {
    home = folder.toRealPath().resolve("sparkao-1");
    Files.createDirectories(home.resolve("conf/container"));
    Files.createDirectories(home.resolve("jars"));
    Files.createFile(home.resolve("jars/a.jar"));
    Files.copy(SCRIPT, home.resolve("conf/container/entrypoint.sh"));
    program(home.resolve("bin/sparkao"), "printf '%s\\n' sparkao \"$@\"");
    program(folder.resolve("java/bin/java"), "printf '%s\\n' java \"$@\"");
  }

  private static void program(Path file, String text) throws IOException {
    Files.createDirectories(file.getParent());
    Files.writeString(file, "#!/bin/sh\n" + text + "\n");
    assertThat(file.toFile().setExecutable(true)).isTrue();
  }

  private Answer run(Map<String, String> environment, String... args) throws Exception {
    List<String> command =
        new ArrayList<>(List.of("bash", home.resolve("conf/container/entrypoint.sh").toString()));
    command.addAll(Arrays.asList(args));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().keySet().removeIf(name -> name.matches("(SPARK|HADOOP).*"));
    builder.environment().put("JAVA_HOME", folder.resolve("java").toString());
    builder.environment().putAll(environment);
    Process process = builder.start();
    String text = new String(process.getInputStream().readAllBytes(), UTF_8);
    return new Answer(process.waitFor(), text);
  }

  @Test
  void anExecutorGetsWhatSparkSets() throws Exception {
    Map<String, String> environment =
        Map.ofEntries(
            Map.entry("SPARK_JAVA_OPT_10", "-Dlast=1 2"),
            Map.entry("SPARK_JAVA_OPT_2", "-Dmiddle"),
            Map.entry("SPARK_JAVA_OPT_0", "-Dfirst"),
            Map.entry("SPARK_EXECUTOR_MEMORY", "4096m"),
            Map.entry("SPARK_DRIVER_URL", "spark://CoarseGrainedScheduler@driver:7078"),
            Map.entry("SPARK_EXECUTOR_ID", "3"),
            Map.entry("SPARK_EXECUTOR_CORES", "4"),
            Map.entry("SPARK_APPLICATION_ID", "spark-1"),
            Map.entry("SPARK_EXECUTOR_POD_IP", "10.0.0.3"),
            Map.entry("SPARK_RESOURCE_PROFILE_ID", "0"),
            Map.entry("SPARK_EXECUTOR_POD_NAME", "sparkao-3"),
            Map.entry("SPARK_CONF_DIR", "/opt/spark/conf"));
    assertThat(run(environment, "executor").lines())
        .containsExactly(
            "java",
            "-Dfirst",
            "-Dmiddle",
            "-Dlast=1 2",
            "-Xms4096m",
            "-Xmx4096m",
            "-cp",
            "/opt/spark/conf:" + home + "/jars/*",
            "org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend",
            "--driver-url",
            "spark://CoarseGrainedScheduler@driver:7078",
            "--executor-id",
            "3",
            "--cores",
            "4",
            "--app-id",
            "spark-1",
            "--hostname",
            "10.0.0.3",
            "--resourceProfileId",
            "0",
            "--podName",
            "sparkao-3");
  }

  /** Spark's launcher answers with words that end with NUL, behind a NUL and a line end. */
  @Test
  void aDriverRunsWhatTheLauncherSays() throws Exception {
    program(
        folder.resolve("java/bin/java"),
        "printf '%s\\n' asked \"$@\" >"
            + folder.resolve("asked")
            + "\nprintf '\\0\\n%s\\0%s\\0%s\\0' echo \"$SPARK_HOME\" 'a  b'");
    Answer answer =
        run(
            Map.of("SPARK_DRIVER_BIND_ADDRESS", "10.0.0.2"),
            "driver",
            "--properties-file",
            "/opt/spark/conf/spark.properties",
            "--class",
            "Main",
            "local:///app.jar",
            "quantize");
    assertThat(answer.lines()).containsExactly(home + " a  b");
    assertThat(folder.resolve("asked"))
        .hasContent(
            String.join(
                "\n",
                "asked",
                "-Xmx128m",
                "-cp",
                home + "/jars/*",
                "org.apache.spark.launcher.Main",
                "org.apache.spark.deploy.SparkSubmit",
                "--conf",
                "spark.driver.bindAddress=10.0.0.2",
                "--conf",
                "spark.executorEnv.SPARK_DRIVER_POD_IP=10.0.0.2",
                "--deploy-mode",
                "client",
                "--properties-file",
                "/opt/spark/conf/spark.properties",
                "--class",
                "Main",
                "local:///app.jar",
                "quantize"));
  }

  @Test
  void aLauncherThatFailsIsTold() throws Exception {
    program(folder.resolve("java/bin/java"), "echo 'no memory' >&2; exit 1");
    Answer answer = run(Map.of("SPARK_DRIVER_BIND_ADDRESS", "10.0.0.2"), "driver");
    assertThat(answer.exitCode()).isEqualTo(1);
    assertThat(answer.text()).contains("no memory", "Spark's launcher gave no command");
  }

  @Test
  void anythingElseIsAJob() throws Exception {
    assertThat(run(Map.of(), "doctor", "--device", "cpu").lines())
        .containsExactly("sparkao", "doctor", "--device", "cpu");
  }
}
