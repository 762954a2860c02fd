package org.sparkao.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.jobs.table.RunRow;
import org.sparkao.jobs.table.TensorRow;

/** Executors that Spark gives a GPU which no machine has. */
class TestGpuCluster {
  @TempDir private Path temp;

  private RunningCommand quantize(String device) throws IOException {
    Path source = temp.resolve("source");
    if (!Files.exists(source)) {
      Checkpoints.write(source, Checkpoints.llama(1, 128, 128));
    }
    Path script = temp.resolve("discover.sh");
    Files.deleteIfExists(script);
    Files.createFile(
        script, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-xr-x")));
    Files.writeString(script, "#!/bin/sh\necho '{\"name\":\"gpu\",\"addresses\":[\"99\"]}'\n");
    List<String> args = new ArrayList<>(List.of("quantize", "--checkpoint", source.toString()));
    args.addAll(List.of("--output", "out", "--tables", "tables", "--scheme", "FP8_DYNAMIC"));
    args.addAll(List.of("--device", device, "--master", "local-cluster[1,1,1024]"));
    for (String setting :
        List.of(
            "spark.ui.enabled=false",
            "spark.worker.resource.gpu.amount=1",
            "spark.worker.resource.gpu.discoveryScript=" + script,
            "spark.executor.resource.gpu.amount=1",
            "spark.task.resource.gpu.amount=1")) {
      args.addAll(List.of("--conf", setting));
    }
    args.addAll(RunningCommand.clusterSettings());
    return RunningCommand.start(temp.resolve(device + ".log"), args.toArray(String[]::new));
  }

  @Test
  void gpusThatCannotBeUsedAreRefused() throws Exception {
    RunningCommand command = quantize("cuda");

    assertThat(command.join()).as(command.log()).isEqualTo(2);

    assertThat(command.log())
        .contains("refused: --device cuda: 1 of 1 executors: executor 0 on ")
        .contains(" has no GPU: ");
    assertThat(temp.resolve("out")).doesNotExist();
    assertThat(temp.resolve("tables")).doesNotExist();
  }

  @Test
  void autoSaysWhyItTakesTheProcessor() throws Exception {
    RunningCommand command = quantize("auto");

    assertThat(command.join()).as(command.log()).isZero();

    assertThat(command.log()).contains("device: cpu (auto: 1 of 1 executors: executor 0 on ");
    Path tables = temp.resolve("tables");
    assertThat(TableReader.rows(tables, RunRow.TABLE).get(0).text("config"))
        .contains("\"device-used\":[\"cpu\",\"auto: 1 of 1 executors: executor 0 on ");
    assertThat(TableReader.rows(tables, TensorRow.TABLE))
        .allSatisfy(row -> assertThat(row.text("device")).startsWith("cpu "));
    // The output is the same whatever computed.
    assertThat(Files.readString(temp.resolve("out/sparkao.json"))).doesNotContain("device");
  }
}
