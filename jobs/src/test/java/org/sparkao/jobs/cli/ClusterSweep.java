package org.sparkao.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.apache.spark.launcher.JavaModuleOptions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.sparkao.jobs.evaluate.EvaluateFixture;
import org.sparkao.jobs.job.ProgramVersion;
import org.sparkao.jobs.sweep.SweepFixture;
import org.sparkao.jobs.table.EvalItemRow;
import org.sparkao.jobs.table.SweepCellRow;

/**
 * A sweep of 3 schemes x 2 algorithms x 3 tasks on a standalone cluster whose workers are killed
 * again and again, against an undisturbed one. Not part of CI, for it takes minutes: {@code mvn -pl
 * jobs -am test -Dtest=ClusterSweep -Dsurefire.failIfNoSpecifiedTests=false
 * -Dsparkao.sweep-model=DIR -Dsparkao.sweep-data=DIR}. It goes on where it stopped when {@code
 * -Dsparkao.sweep-folder=DIR} is given, and writes {@code cluster-sweep.json} there. A worker lives
 * for two times {@code -Dsparkao.sweep-kill-seconds=N}, in which an executor has to end a task.
 */
class ClusterSweep {
  private static final int WORKERS = 2;
  private static final String ALGORITHM = System.getProperty("sparkao.sweep-algorithm", "gptq");
  private static final int ITEMS = Integer.getInteger("sparkao.sweep-items", 16);
  private static final Duration BETWEEN_KILLS =
      Duration.ofSeconds(Integer.getInteger("sparkao.sweep-kill-seconds", 30));

  private final List<Process> processes = new ArrayList<>();
  private final List<Process> workers = new ArrayList<>();
  private Path folder;
  private String master;

  @AfterEach
  void stop() {
    processes.forEach(ClusterSweep::kill);
  }

  private static void kill(Process process) {
    List<ProcessHandle> children = process.descendants().toList();
    process.destroyForcibly();
    children.forEach(ProcessHandle::destroyForcibly);
  }

  @Test
  void killedWorkersChangeNoRow() throws Exception {
    folder = Path.of(System.getProperty("sparkao.sweep-folder", "cluster-sweep")).toAbsolutePath();
    Files.createDirectories(folder);
    startCluster();

    Instant begin = Instant.now();
    RunningCommand undisturbed = start("undisturbed");
    while (undisturbed.isAlive()) {
      TimeUnit.MILLISECONDS.sleep(200);
    }
    assertThat(undisturbed.join()).as(undisturbed.log()).isIn(0, 99);
    Duration undisturbedTime = Duration.between(begin, Instant.now());

    begin = Instant.now();
    RunningCommand disturbed = start("killed");
    killWorkers(disturbed);
    assertThat(disturbed.join()).as(disturbed.log()).isIn(0, 99);
    Duration disturbedTime = Duration.between(begin, Instant.now());

    List<SweepCellRow> expected = cells("undisturbed");
    List<SweepCellRow> cells = cells("killed");
    assertThat(expected).hasSize(3 + 3 * 2 * 3);
    assertThat(SweepFixture.said(cells)).isEqualTo(SweepFixture.said(expected));
    long items = 0;
    Map<String, List<Object>> expectedItems = items("undisturbed", expected);
    Map<String, List<Object>> itemsNow = items("killed", cells);
    assertThat(itemsNow).isEqualTo(expectedItems);
    for (List<Object> some : expectedItems.values()) {
      items += some.size();
    }
    assertThat(weights("killed")).isEqualTo(weights("undisturbed"));
    write(items, undisturbedTime, disturbedTime, expected);
  }

  private void startCluster() throws IOException, InterruptedException {
    int port;
    try (ServerSocket free = new ServerSocket(0)) {
      port = free.getLocalPort();
    }
    master = "spark://127.0.0.1:" + port;
    processes.add(
        java(
            "master",
            "org.apache.spark.deploy.master.Master",
            "--host",
            "127.0.0.1",
            "--port",
            Integer.toString(port),
            "--webui-port",
            "0"));
    TimeUnit.SECONDS.sleep(5);
    for (int i = 0; i < WORKERS; i++) {
      startWorker();
    }
  }

  private void startWorker() throws IOException {
    Process worker =
        java(
            "worker-" + processes.size(),
            "org.apache.spark.deploy.worker.Worker",
            "--host",
            "127.0.0.1",
            "--webui-port",
            "0",
            "--cores",
            "1",
            "--memory",
            "3g",
            "--work-dir",
            folder.resolve("work").toString(),
            master);
    processes.add(worker);
    workers.add(worker);
  }

  private Process java(String log, String... args) throws IOException {
    List<String> line = new ArrayList<>();
    line.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    line.addAll(List.of(JavaModuleOptions.defaultModuleOptions().trim().split("\\s+")));
    line.addAll(List.of("-XX:+UseSerialGC", "-Xmx256m"));
    line.addAll(List.of("-cp", System.getProperty("java.class.path")));
    line.addAll(Arrays.asList(args));
    ProcessBuilder process =
        new ProcessBuilder(line)
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve(log + ".txt").toFile());
    process.environment().put("SPARK_LOCAL_IP", "127.0.0.1");
    return process.start();
  }

  private RunningCommand start(String name) throws IOException {
    List<String> args =
        new ArrayList<>(List.of("sweep", file().toString(), "--output", place(name, "output")));
    args.addAll(List.of("--tables", place(name, "tables"), "--master", master));
    for (String setting :
        List.of(
            "spark.ui.enabled=false",
            "spark.driver.host=127.0.0.1",
            "spark.driver.bindAddress=127.0.0.1",
            "spark.executor.memory=2500m",
            "spark.task.maxFailures=20")) {
      args.addAll(List.of("--conf", setting));
    }
    args.addAll(RunningCommand.clusterSettings());
    return RunningCommand.start(folder.resolve(name + ".txt"), args.toArray(String[]::new));
  }

  private String place(String name, String what) {
    return folder.resolve(name).resolve(what).toString();
  }

  private Path file() throws IOException {
    return Files.writeString(
        folder.resolve("cluster.yaml"),
        """
        sweep: cluster
        models: [{name: model, checkpoint: "%s"}]
        schemes: [FP8_DYNAMIC, W8A8, "W4A16(group_size=64)"]
        algorithms: [rtn, {name: second, algorithm: %s}]
        tasks:
          - {name: hellaswag, task: hellaswag, limit: %d}
          - {name: piqa, task: piqa, limit: %d}
          - {name: lambada, task: lambada, limit: %d}
        quantize: {device: cpu, max-shard-size: 30MB}
        calibrate: {data: "%s/wikitext2/wiki.valid.tokens", samples: 8, sequence-length: 64, device: cpu}
        evaluate: {data: "%s", device: cpu, batch-tokens: 512, partitions: 8}
        """
            .formatted(
                System.getProperty("sparkao.sweep-model"),
                ALGORITHM,
                ITEMS / 2,
                ITEMS,
                ITEMS,
                System.getProperty("sparkao.sweep-data"),
                System.getProperty("sparkao.sweep-data")),
        StandardCharsets.UTF_8);
  }

  /** The oldest worker with its executor, then a new one, while the sweep runs. */
  private void killWorkers(RunningCommand sweep) throws IOException, InterruptedException {
    while (sweep.isAlive()) {
      Instant next = Instant.now().plus(BETWEEN_KILLS);
      while (sweep.isAlive() && Instant.now().isBefore(next)) {
        TimeUnit.MILLISECONDS.sleep(200);
      }
      if (sweep.isAlive()) {
        kill(workers.remove(0));
        Files.writeString(
            kills(),
            Instant.now().truncatedTo(ChronoUnit.SECONDS) + "\n",
            StandardOpenOption.CREATE,
            StandardOpenOption.APPEND);
        startWorker();
      }
    }
  }

  /** Moments, of all starts. */
  private Path kills() {
    return folder.resolve("kills.txt");
  }

  private List<SweepCellRow> cells(String name) throws IOException {
    return TableReader.rows(folder.resolve(name).resolve("tables"), SweepCellRow.TABLE).stream()
        .map(SweepCellRow::of)
        .toList();
  }

  /** What was said to every item of each cell. */
  private Map<String, List<Object>> items(String name, List<SweepCellRow> cells)
      throws IOException {
    Map<String, List<EvalItemRow>> rows = new TreeMap<>();
    TableReader.rows(folder.resolve(name).resolve("tables"), EvalItemRow.TABLE).stream()
        .map(EvalItemRow::of)
        .forEach(row -> rows.computeIfAbsent(row.runId(), run -> new ArrayList<>()).add(row));
    Map<String, List<Object>> said = new TreeMap<>();
    for (SweepCellRow cell : cells) {
      List<EvalItemRow> some = rows.get(cell.measured().orElseThrow().evaluateRun());
      some.sort((a, b) -> Long.compare(a.item().index(), b.item().index()));
      said.put(cell.place().toString(), EvaluateFixture.said(some));
    }
    return said;
  }

  /** Hash of every file of weights, by its place in the output. */
  private Map<String, String> weights(String name) throws IOException {
    Map<String, String> hashes = new TreeMap<>();
    Command.contents(folder.resolve(name).resolve("output"))
        .forEach(
            (file, bytes) -> {
              if (file.endsWith(".safetensors")) {
                hashes.put(file, Integer.toHexString(Arrays.hashCode(bytes)) + " " + bytes.length);
              }
            });
    assertThat(hashes).isNotEmpty();
    return hashes;
  }

  private void write(long items, Duration undisturbed, Duration disturbed, List<SweepCellRow> cells)
      throws IOException {
    Map<String, Object> result = new LinkedHashMap<>();
    result.put(
        "what",
        "A sweep of 3 schemes x 2 algorithms (rtn, "
            + ALGORITHM
            + ") x 3 tasks on a standalone cluster of "
            + WORKERS
            + " workers, whose oldest one was killed with its executor again and again, against an"
            + " undisturbed one: the same keys, values, standard errors, sizes, every"
            + " log-likelihood and every file of weights");
    result.put("program", ProgramVersion.current());
    result.put("cells", cells.size());
    result.put("items", items);
    result.put("workers_killed_at", Files.readAllLines(kills()));
    result.put("seconds_undisturbed", undisturbed.toSeconds());
    result.put("seconds_disturbed", disturbed.toSeconds());
    result.put("equal", true);
    Map<String, Double> values = new TreeMap<>();
    cells.forEach(
        cell ->
            values.put(
                String.join(
                    " ", cell.place().scheme(), cell.place().algorithm(), cell.place().task()),
                cell.measured().orElseThrow().value()));
    result.put("values", values);
    new ObjectMapper()
        .writerWithDefaultPrettyPrinter()
        .writeValue(folder.resolve("cluster-sweep.json").toFile(), result);
  }
}
