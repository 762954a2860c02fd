package org.sparkao.jobs.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** The command line in a process of its own, which can be killed. */
final class RunningCommand {
  private static final long PATIENCE_SECONDS = 300;

  private final Process process;
  private final Path log;

  private RunningCommand(Process process, Path log) {
    this.process = process;
    this.log = log;
  }

  /** Starts {@code sparkao} with these arguments; output goes to the file {@code log}. */
  static RunningCommand start(Path log, String... args) throws IOException {
    FastStart fast = FastStart.get();
    List<String> line = FastStart.java();
    line.addAll(List.of(fast.option(), "-cp", fast.classPath(), Main.class.getName()));
    line.addAll(Arrays.asList(args));
    Process process =
        new ProcessBuilder(line)
            .directory(log.getParent().toFile())
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
            .start();
    return new RunningCommand(process, log);
  }

  /** What executors of a {@code local-cluster} need to find Spark and this project. */
  static List<String> clusterSettings() {
    FastStart fast = FastStart.get();
    List<String> args = new ArrayList<>();
    for (String setting :
        List.of(
            "spark.executorEnv.SPARK_SCALA_VERSION=2.13",
            "spark.executorEnv.SPARK_TESTING=1",
            "spark.executor.extraJavaOptions=-XX:+UseSerialGC " + fast.option(),
            "spark.executor.extraClassPath=" + fast.classPath())) {
      args.addAll(List.of("--conf", setting));
    }
    return args;
  }

  /** Waits for a moment in the life of the process; fails when it ends before. */
  void await(BooleanSupplier moment) throws IOException, InterruptedException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (!moment.getAsBoolean()) {
      if (!process.isAlive() || System.nanoTime() > end) {
        throw new AssertionError("the moment never came: " + log());
      }
      Thread.sleep(5);
    }
  }

  /** SIGKILL, to it and to the executors that it started. */
  void kill() throws InterruptedException {
    List<ProcessHandle> children = process.descendants().toList();
    process.destroyForcibly();
    children.forEach(ProcessHandle::destroyForcibly);
    process.waitFor();
  }

  /** SIGKILL to one executor, which are the only processes of Java that a driver starts. */
  void killExecutor() {
    process
        .descendants()
        .filter(child -> child.info().command().orElse("").endsWith("java"))
        .findFirst()
        .orElseThrow()
        .destroyForcibly();
  }

  boolean isAlive() {
    return process.isAlive();
  }

  long pid() {
    return process.pid();
  }

  /** Exit code. */
  int join() throws InterruptedException {
    if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
      process.destroyForcibly();
    }
    return process.waitFor();
  }

  String log() throws IOException {
    return Files.readString(log);
  }
}
