package org.sparkao.jobs.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.delta.kernel.types.StringType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.job.JobRun;
import org.sparkao.jobs.job.TinyCheckpoint;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.table.Column;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.RunRow;
import org.sparkao.jobs.table.Table;

/** The job on this machine. */
class TestDoctorJob {
  @TempDir private Path folder;

  private JobRun doctor(String... options) throws Exception {
    String[] all =
        Stream.concat(Stream.of("device", "cpu"), Stream.of(options)).toArray(String[]::new);
    return JobRun.of(new DoctorJob(), all);
  }

  private String path(String name) {
    return folder.resolve(name).toString();
  }

  private List<String> names() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void aWholeInstallationIsWell() throws Exception {
    TinyCheckpoint.copyTo(folder.resolve("model"));
    JobRun run =
        doctor("checkpoint", path("model"), "tables", path("tables"), "json", path("doctor.json"));
    assertThat(run.out()).doesNotContain("fail ");
    assertThat(run.code()).isEqualTo(ExitCode.DONE);
    assertThat(run.lines())
        .contains(
            "ok   tables     " + path("tables") + ": a row was written and read",
            "ok   claims     " + path("tables") + ": of two drivers one is refused",
            // 9 matrices of 128 x 128 and a row of 128 numbers, two bytes each.
            "ok   checkpoint " + path("model") + ": 10 tensors in 1 files, 295 kB",
            "ok   spark-run  32 tasks at local[2,4]")
        .anyMatch(
            line -> line.matches("ok   executors  executor driver on .*, reads the checkpoint"));
    assertThat(names()).as("what it wrote is gone").containsExactly("doctor.json", "model");
    JsonNode json = new ObjectMapper().readTree(folder.resolve("doctor.json").toFile());
    assertThat(json.findValuesAsText("subject"))
        .contains(
            "java", "spark", "scala", "delta", "hadoop", "processor", "memory", "kryo", "disk");
    assertThat(json.findValuesAsText("level")).doesNotContain("FAIL");
  }

  @Test
  void failuresEndWithTheirFix() throws Exception {
    // As a later version could have made it.
    List<Column> others =
        List.of(
            RunRow.TABLE.columns().get(0),
            new Column("colour", StringType.STRING, "Not known here."));
    new DeltaStore(Storage.ofAssignments(List.of()), path("tables"))
        .append(new Table("runs", "of later", others), List.of(List.of("r", "x")), "r", 0);
    JobRun run =
        doctor(
            "checkpoint",
            path("absent"),
            "tables",
            path("tables"),
            "conf",
            "spark.executor.resource.gpu.amount=1");
    assertThat(run.code()).isEqualTo(ExitCode.REFUSED);
    assertThat(run.lines())
        .anyMatch(line -> line.matches("fail tables .*/runs: has a column colour .*"))
        .contains("                fix: use that one, or give other --tables")
        .anyMatch(line -> line.startsWith("fail checkpoint " + path("absent")))
        .anyMatch(line -> line.startsWith("fail device     spark.executor.resource.gpu.amount=1: "))
        .anyMatch(line -> line.startsWith("fail executors  spark.executor.resource.gpu.amount=1: "))
        .last()
        .asString()
        .endsWith("4 to mend");
    assertThat(names()).containsExactly("tables");
    try (Stream<Path> files = Files.list(folder.resolve("tables"))) {
      assertThat(files.map(file -> file.getFileName().toString())).containsExactly("runs");
    }
  }
}
