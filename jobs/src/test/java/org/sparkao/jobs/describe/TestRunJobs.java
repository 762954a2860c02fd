package org.sparkao.jobs.describe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jsoup.Jsoup;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.job.JobRun;
import org.sparkao.jobs.job.TinyCheckpoint;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.RunRow;
import org.sparkao.jobs.table.TensorRow;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.metric.TensorStatistics;

/** The jobs runs and describe over three runs that were put into tables by hand. */
class TestRunJobs {
  @TempDir private static Path folder;

  @BeforeAll
  static void fillTables() throws Exception {
    DeltaStore store = new DeltaStore(Storage.ofAssignments(List.of()), tables());
    store.replaceRun(run("quantize-a", "2026-11-20T10:00:00Z", RunRow.Status.DONE));
    store.replaceRun(run("quantize-b", "2026-11-22T10:00:00Z", RunRow.Status.RUNNING));
    store.replaceRun(run("quantize-c", "2026-11-21T10:00:00Z", RunRow.Status.FAILED));
    List<List<Object>> rows =
        List.of(
            tensor("layers.0.up_proj", Optional.of("W4A16"), Optional.empty()).toRow(0),
            tensor("embed", Optional.empty(), Optional.of("embedding")).toRow(0));
    store.append(TensorRow.TABLE, rows, "quantize-a", 0);
  }

  private static String tables() {
    return folder.resolve("tables").toString();
  }

  private static RunRow run(String id, String started, RunRow.Status status) {
    Instant start = Instant.parse(started);
    return new RunRow(
        id,
        "quantize",
        "[\"quantize\",\"--scheme\",\"W4A16\"]",
        "{\"scheme\":[\"W4A16\"]}",
        "0.1.0",
        "f".repeat(64),
        status,
        start,
        status == RunRow.Status.RUNNING ? Optional.empty() : Optional.of(start.plusSeconds(75)),
        "local-1",
        new RunRow.Volume("src", "out", "W4A16", 2_000_000, 500_000, 2, 1, 1));
  }

  /** 1000 weights; signal 100, noise 1: 20 dB. 4 bytes of codes a weight of 8. */
  private static TensorRow tensor(String module, Optional<String> scheme, Optional<String> reason) {
    return new TensorRow(
        "quantize-a",
        new TensorRow.Source(
            module + ".weight",
            module,
            scheme.isPresent() ? Optional.of(0L) : Optional.empty(),
            "BF16",
            List.of(10L, 100L),
            "model.safetensors",
            100,
            2100,
            "0".repeat(64)),
        new TensorRow.Treatment(scheme, reason, "compressed-tensors", "rtn", "cpu"),
        List.of(
            new TensorRow.Part(
                module + ".weight_packed", 64, scheme.isPresent() ? 500 : 2000, "1".repeat(64))),
        "model.safetensors",
        "1".repeat(64),
        0,
        scheme.map(s -> new TensorStatistics(1000, 0, 3.5, 100, 1, 10, 0.25, 5)),
        1_000_000,
        "attempt",
        "driver");
  }

  private static JobRun runs(String... options) throws Exception {
    String[] all = new String[options.length + 2];
    all[0] = "tables";
    all[1] = tables();
    System.arraycopy(options, 0, all, 2, options.length);
    return JobRun.of(new RunsJob(), all);
  }

  private static JobRun describe(String... options) throws Exception {
    String[] all = new String[options.length + 2];
    all[0] = "tables";
    all[1] = tables();
    System.arraycopy(options, 0, all, 2, options.length);
    return JobRun.of(new DescribeJob(), all);
  }

  @Test
  void listsRunsNewestFirst() throws Exception {
    assertThat(runs().lines())
        .containsExactly(
            "run         job       status   started (UTC)        time  scheme   before   after"
                + "  checkpoint  output",
            "quantize-b  quantize  running  2026-11-22 10:00:00     -  W4A16   2.00 MB  500 kB"
                + "  src         out",
            "quantize-c  quantize  failed   2026-11-21 10:00:00  75 s  W4A16   2.00 MB  500 kB"
                + "  src         out",
            "quantize-a  quantize  done     2026-11-20 10:00:00  75 s  W4A16   2.00 MB  500 kB"
                + "  src         out");
  }

  @Test
  void listsNoMoreThanAskedFor() throws Exception {
    List<String> lines = runs("limit", "1").lines();
    assertThat(lines).hasSize(3);
    assertThat(lines.get(1)).startsWith("quantize-b");
    assertThat(lines.get(2)).isEqualTo("2 older ones: --limit N");
    assertThatThrownBy(() -> runs("limit", "0"))
        .isInstanceOf(QuantException.class)
        .hasMessage("--limit 0: use a whole number from 1 on");
  }

  @Test
  void saysThatThereAreNoRuns() throws Exception {
    JobRun run = JobRun.of(new RunsJob(), "tables", folder.resolve("empty").toString());
    assertThat(run.code()).isEqualTo(ExitCode.DONE);
    assertThat(run.lines())
        .containsExactly("There are no runs in the tables at " + folder.resolve("empty"));
  }

  @Test
  void describesARun() throws Exception {
    JobRun run = describe("run", "quantize-a");
    assertThat(run.code()).isEqualTo(ExitCode.DONE);
    assertThat(run.out())
        .containsPattern("Size +2\\.50 kB +from 4\\.00 kB, 62\\.5 %")
        .containsPattern("Bits per weight +4\\.00 +in quantized tensors; 10\\.00 over all")
        .containsPattern("Mean SQNR +20\\.0 dB")
        .containsPattern(
            "layers\\.0\\.up_proj\\.weight +W4A16 +20\\.0 dB +3\\.50 +0\\.250 +0\\.500 %")
        .containsPattern("embedding +1 +2\\.00 kB +embed\\.weight");
  }

  @Test
  void describesARunThatHasNoTensorsYet() throws Exception {
    assertThat(describe("run", "quantize-b").out()).containsPattern("Status +running");
  }

  @Test
  void writesThePage() throws Exception {
    Path page = folder.resolve("page.html");
    JobRun run = describe("run", "quantize-a", "html", page.toString());
    assertThat(run.lines()).endsWith("wrote " + page);
    assertThat(Jsoup.parse(Files.readString(page)).select("#worst td.name").text())
        .isEqualTo("layers.0.up_proj.weight");
  }

  @Test
  void namesTheNearestRuns() {
    assertThatThrownBy(() -> describe("run", "quantise-c"))
        .isInstanceOf(QuantException.class)
        .hasMessageStartingWith("quantise-c: neither a run in the tables at ")
        .hasMessageContaining("the nearest are quantize-c, ");
  }

  @Test
  void describesACheckpointThatNoRunWrote() throws Exception {
    Path checkpoint = folder.resolve("plain");
    TinyCheckpoint.copyTo(checkpoint);
    JobRun run = describe("run", checkpoint.toString());
    assertThat(run.out()).containsPattern("quantization +none").containsPattern("BF16 +10 +295 kB");
    assertThatThrownBy(() -> describe("run", checkpoint.toString(), "html", folder + "/x.html"))
        .isInstanceOf(QuantException.class)
        .hasMessageContaining("no run in the tables at")
        .hasMessageContaining("name the tables of its run with --tables");
  }

  @Test
  void documentsTheColumns() throws Exception {
    assertThat(describe().out())
        .contains("tensors: one tensor of the source: where from, what became of it")
        .containsPattern("sqnr_db +double +signal to quantization noise, dB");
    assertThatThrownBy(() -> describe("html", "x.html"))
        .isInstanceOf(QuantException.class)
        .hasMessage("--html x.html: of which run? Name it");
  }
}
