package org.sparkao.jobs.quantize.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkao.jobs.gpu.PlannedDevice;
import org.sparkao.jobs.quantize.plan.Arithmetic;
import org.sparkao.jobs.quantize.plan.GivenFiles;
import org.sparkao.jobs.quantize.plan.NonFinitePolicy;
import org.sparkao.jobs.quantize.plan.QuantizePlan;
import org.sparkao.jobs.quantize.plan.QuantizePlanner;
import org.sparkao.jobs.quantize.plan.Recipe;
import org.sparkao.jobs.quantize.plan.Rule;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.quant.algorithm.WeightAlgorithm;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.LocalFiles;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.Schemes;

/**
 * Layout torchao against what transformers and diffusers saved (golden/README.md,
 * torchao-checkpoints).
 */
class TestGoldenTorchao {
  private static final ObjectMapper JSON = new ObjectMapper();

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "llama-int8wo | W8A16(group_size=-1) |",
        "llama-int8dyn | W8A8 |",
        "llama-float8wo | FP8A16 |",
        "llama-intx4_g32 | W4A16(group_size=32) |",
        "llama-intx4_row | W4A16(group_size=-1) |",
        "llama-intx3_g64 | W3A16(group_size=64) |",
        "llama-intx2_g32 | W2A16(group_size=32) |",
        "llama-8da4w_g32 | 8DA4W |",
        "llama-8da4w_g128 | 8DA4W(group_size=128) |",
        "llama-fqn_mixed | W8A16(group_size=-1) | mlp=W4A16(group_size=32)",
        "dit-int8wo | W8A16(group_size=-1) |",
        "dit-float8wo | FP8A16 |",
        "dit-intx4_g32 | W4A16(group_size=32) |"
      })
  void checkpointIsThatOfTheReference(
      String folder, String scheme, String rule, @TempDir Path output) throws IOException {
    Path golden =
        Path.of(System.getProperty("sparkao.shared", "none"), "golden", "torchao-checkpoints");
    assumeTrue(Files.isDirectory(golden), "golden data is not here");
    Path source = golden.resolve(folder.startsWith("dit") ? "dit/transformer" : "llama");
    QuantizePlan plan =
        new QuantizePlanner(recipe(scheme, rule), GivenFiles.inputScales(Optional.empty()))
            .plan(
                Checkpoint.open(LocalFiles.of(source)),
                Optional.of(Files.readAllBytes(source.resolve("config.json"))));
    ShardSettings settings =
        new ShardSettings(
            new Planned(source.toString(), List.of()),
            Planned.NONE,
            Planned.NONE,
            output.toString(),
            plan.arithmetic(),
            List.of(),
            NonFinitePolicy.KEEP,
            PlannedDevice.processor("test"));
    Storage storage = Storage.ofSettings(Map.of());
    new ShardFile(settings, storage, bytes -> {}, new TaskClock())
        .write(plan.shards().get(0), storage.folder(output.toString()), "part");

    String file = plan.shards().get(0).file();
    assertSameFile(output.resolve(file), golden.resolve(folder).resolve(file));
    assertThat(JSON.readTree(plan.config()))
        .isEqualTo(JSON.readTree(golden.resolve(folder).resolve("config.json").toFile()));
  }

  private static Recipe recipe(String scheme, String rule) {
    return new Recipe(
        Schemes.parse(scheme),
        rule == null ? List.of() : List.of(Rule.parse(rule)),
        new Arithmetic(WeightAlgorithm.RTN, Numerics.TORCHAO, CheckpointLayout.TORCHAO),
        5_000_000_000L);
  }

  /** The header as JSON, and all bytes after it. */
  private static void assertSameFile(Path actual, Path expected) throws IOException {
    byte[] ours = Files.readAllBytes(actual);
    byte[] theirs = Files.readAllBytes(expected);
    int ourData = 8 + length(ours);
    int theirData = 8 + length(theirs);
    assertThat(JSON.readTree(ours, 8, ourData - 8))
        .isEqualTo(JSON.readTree(theirs, 8, theirData - 8));
    assertThat(Arrays.copyOfRange(ours, ourData, ours.length))
        .isEqualTo(Arrays.copyOfRange(theirs, theirData, theirs.length));
  }

  private static int length(byte[] file) {
    return file[0] & 0xFF | (file[1] & 0xFF) << 8 | (file[2] & 0xFF) << 16;
  }
}
