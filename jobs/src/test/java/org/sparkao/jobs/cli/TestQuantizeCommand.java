package org.sparkao.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.spark.SparkLease;
import org.sparkao.jobs.table.ShardRow;
import org.sparkao.jobs.table.TableRow;
import org.sparkao.jobs.table.TensorRow;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.LocalFiles;

/** The whole job in one JVM, on one session. */
class TestQuantizeCommand {
  private static SparkLease spark;

  private final Command command = new Command();

  @BeforeAll
  static void startSpark() {
    spark = Command.spark(List.of());
  }

  @AfterAll
  static void stopSpark() {
    spark.close();
  }

  @Test
  void checkpointTablesAndSideFilesAreThere(@TempDir Path temp) throws IOException {
    Path source = Checkpoints.write(temp.resolve("source"), Checkpoints.llama(2, 128, 256));
    Path output = temp.resolve("output");

    assertThat(command.quantize(source, output, "--scheme", "W4A16", "--max-shard-size", "100KB"))
        .as(command.err())
        .isEqualTo(ExitCode.DONE);

    Checkpoint checkpoint = Checkpoint.open(LocalFiles.of(output));
    assertThat(checkpoint.shards()).hasSizeGreaterThan(2);
    assertThat(checkpoint.tensor("model.layers.1.mlp.down_proj.weight_packed")).isPresent();
    assertThat(checkpoint.tensor("lm_head.weight")).isPresent();
    assertThat(Files.readString(output.resolve("config.json")))
        .contains("\"rms_norm_eps\": 1e-06", "\"ignore\": [\n      \"lm_head\"\n    ]");
    assertThat(output.resolve("tokenizer.json")).hasContent("{}");
    assertThat(output.resolve("_sparkao")).doesNotExist();

    Path tables = temp.resolve("tables");
    assertThat(TableReader.statuses(tables)).containsExactly("done");
    assertThat(TableReader.rows(tables, ShardRow.TABLE)).hasSize(checkpoint.shards().size());
    List<TableRow> tensors = TableReader.rows(tables, TensorRow.TABLE);
    assertThat(tensors).hasSize(Checkpoints.llama(2, 128, 256).size());
    assertThat(tensors)
        .filteredOn(row -> row.text("tensor").endsWith("q_proj.weight"))
        .hasSize(2)
        .allSatisfy(
            row -> {
              assertThat(row.text("scheme")).isEqualTo("W4A16");
              // Uniform values on 15 levels: 20 log10(15) dB, give or take the group's range.
              assertThat(row.decimal("sqnr_db")).isBetween(22.0, 26.0);
            });
    assertThat(tensors)
        .filteredOn(row -> row.text("tensor").equals("lm_head.weight"))
        .allSatisfy(row -> assertThat(row.text("reason")).isEqualTo("output head"));
  }

  @Test
  void sameCommandAgainHasNothingToDo(@TempDir Path temp) throws IOException {
    Path source = Checkpoints.write(temp.resolve("source"), Checkpoints.llama(1, 128, 256));
    Path output = temp.resolve("output");
    assertThat(command.quantize(source, output, "--scheme", "W8A8")).isEqualTo(ExitCode.DONE);
    Map<String, byte[]> before = Command.contents(temp);

    assertThat(command.quantize(source, output, "--scheme", "W8A8")).isEqualTo(ExitCode.DONE);

    assertThat(command.out()).contains("is finished already: nothing to do");
    assertThat(Command.contents(temp)).containsExactlyEntriesOf(before);
  }

  @Test
  void nanIsRefusedWhenAskedAndNothingIsLeft(@TempDir Path temp) throws IOException {
    Path source = Checkpoints.write(temp.resolve("source"), Checkpoints.llama(8, 128, 256));
    Checkpoints.setToNan(source, "model.layers.2.self_attn.q_proj.weight");
    Path output = temp.resolve("output");

    ExitCode code =
        command.quantize(
            source,
            output,
            "--scheme",
            "W4A16",
            "--max-shard-size",
            "50KB",
            "--non-finite",
            "fail");

    assertThat(code).as(command.err()).isEqualTo(ExitCode.REFUSED);
    assertThat(command.err())
        .contains(
            "model.layers.2.self_attn.q_proj.weight in "
                + source
                + "/model.safetensors: 1 of 16384 values are NaN or infinite",
            "--non-finite keep");
    assertThat(output).doesNotExist();
    assertThat(TableReader.statuses(temp.resolve("tables"))).containsExactly("refused");
  }

  @Test
  void nanOfCopiedTensorsIsRefusedWhenAsked(@TempDir Path temp) throws IOException {
    for (String copied : List.of("model.norm.weight", "lm_head.weight")) {
      Path source = Checkpoints.write(temp.resolve(copied), Checkpoints.llama(1, 128, 256));
      Checkpoints.setToNan(source, copied);
      Path output = temp.resolve("output");

      ExitCode code = command.quantize(source, output, "--scheme", "W4A16", "--non-finite", "fail");

      assertThat(code).as(command.err()).isEqualTo(ExitCode.REFUSED);
      assertThat(command.err())
          .contains(
              copied
                  + " in "
                  + source
                  + "/model.safetensors: 1 of "
                  + (copied.startsWith("model") ? 128 : 64 * 128)
                  + " values are NaN or infinite; repair the checkpoint, or keep and count them"
                  + " with --non-finite keep");
      assertThat(output).doesNotExist();
    }
  }

  @Test
  void nanIsKeptAndCountedUnlessAskedOtherwise(@TempDir Path temp) throws IOException {
    Path source = Checkpoints.write(temp.resolve("source"), Checkpoints.llama(1, 128, 256));
    List<String> spoilt = List.of("model.norm.weight", "model.layers.0.self_attn.q_proj.weight");
    for (String tensor : spoilt) {
      Checkpoints.setToNan(source, tensor);
    }
    Path output = temp.resolve("output");

    assertThat(command.quantize(source, output, "--scheme", "W4A16"))
        .as(command.err())
        .isEqualTo(ExitCode.DONE);

    assertThat(TableReader.rows(temp.resolve("tables"), TensorRow.TABLE))
        .allSatisfy(
            row ->
                assertThat(row.number("non_finite"))
                    .as(row.text("tensor"))
                    .isEqualTo(spoilt.contains(row.text("tensor")) ? 1 : 0));
    assertThat(Checkpoints.read(output).get("model.norm.weight").bytes())
        .isEqualTo(Checkpoints.read(source).get("model.norm.weight").bytes());
    // What was kept by one policy is not what the other one asks for.
    assertThat(command.quantize(source, output, "--scheme", "W4A16", "--non-finite", "fail"))
        .isEqualTo(ExitCode.REFUSED);
    assertThat(command.err())
        .containsPattern(
            "refused: "
                + output
                + ": holds the finished run quantize-[0-9a-f-]+ of another recipe or another"
                + " source; choose another --output, or delete the folder");
  }

  @Test
  void nameOfAnotherRunIsRefused(@TempDir Path temp) throws IOException {
    Path source = Checkpoints.write(temp.resolve("source"), Checkpoints.llama(1, 128, 256));
    assertThat(
            command.quantize(source, temp.resolve("one"), "--scheme", "W8A8", "--run-id", "weekly"))
        .isEqualTo(ExitCode.DONE);
    Path other = temp.resolve("other");

    ExitCode code = command.quantize(source, other, "--scheme", "W8A16", "--run-id", "weekly");

    assertThat(code).isEqualTo(ExitCode.REFUSED);
    assertThat(command.err())
        .contains("run weekly is in the tables already", "(" + temp.resolve("one") + ", W8A8, ")
        .contains("choose another --run-id");
    assertThat(other).doesNotExist();
  }

  @Test
  void tinyLlamaEqualsWhatOneshotWrote(@TempDir Path temp) throws IOException {
    Path golden =
        Path.of(System.getProperty("sparkao.shared", "none"), "golden/schemes/_tiny_llama");
    assumeTrue(Files.isDirectory(golden), "golden data is not here");
    for (String[] run :
        new String[][] {
          {"W4A16_ASYM", "W4A16_ASYM"}, {"FP8", "FP8_basic"}, {"NVFP4", "NVFP4_basic"}
        }) {
      Path expected = golden.resolve(run[1]);
      Path source = Files.createDirectories(temp.resolve("source-" + run[0]));
      Files.copy(golden.resolve("input.safetensors"), source.resolve("model.safetensors"));
      Files.copy(golden.resolve("input_config.json"), source.resolve("config.json"));
      Path output = temp.resolve("output-" + run[0]);

      assertThat(
              command.quantize(
                  source,
                  output,
                  "--scheme",
                  run[0],
                  "--calibration",
                  expected.resolve("expected.safetensors").toString()))
          .as(command.err())
          .isEqualTo(ExitCode.DONE);

      assertThat(output.resolve("config.json"))
          .hasSameBinaryContentAs(expected.resolve("config.json"));
      assertSameTensors(expected, output);
    }
  }

  /** The golden file leaves out tensors that were copied. */
  private static void assertSameTensors(Path expected, Path output) throws IOException {
    Checkpoint wanted = Checkpoint.openFile(LocalFiles.of(expected), "expected.safetensors");
    Checkpoint found = Checkpoint.open(LocalFiles.of(output));
    byte[] wantedBytes = Files.readAllBytes(expected.resolve("expected.safetensors"));
    byte[] foundBytes = Files.readAllBytes(output.resolve("model.safetensors"));
    assertThat(wanted.tensors()).isNotEmpty();
    wanted
        .tensors()
        .forEach(
            tensor -> {
              var other = found.tensor(tensor.entry().name()).orElseThrow().entry();
              assertThat(other.dtype()).isEqualTo(tensor.entry().dtype());
              assertThat(other.shape()).isEqualTo(tensor.entry().shape());
              assertThat(foundBytes)
                  .as(tensor.entry().name())
                  .satisfies(
                      bytes ->
                          assertThat(range(bytes, other.begin(), other.end()))
                              .isEqualTo(
                                  range(
                                      wantedBytes, tensor.entry().begin(), tensor.entry().end())));
            });
  }

  private static byte[] range(byte[] bytes, long begin, long end) {
    return Arrays.copyOfRange(bytes, (int) begin, (int) end);
  }
}
