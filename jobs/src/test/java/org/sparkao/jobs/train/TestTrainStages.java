package org.sparkao.jobs.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.datasets.sample.BundledSample;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.model.BlockRunner;
import org.sparkao.gpu.model.HiddenStates;
import org.sparkao.gpu.model.LanguageModel;
import org.sparkao.gpu.model.LanguageModel.ScoredSequence;
import org.sparkao.gpu.model.LanguageModels;
import org.sparkao.gpu.model.ModelOperators;
import org.sparkao.gpu.model.ModelSettings;
import org.sparkao.gpu.model.cpu.CpuModelOperators;
import org.sparkao.jobs.job.JobRun;
import org.sparkao.jobs.quantize.QuantizeJob;
import org.sparkao.jobs.spark.SparkLease;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.TrainStepRow;
import org.sparkao.quant.algorithm.ModuleScales;
import org.sparkao.quant.algorithm.ScalesFile;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.LocalFiles;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.safetensors.FileSink;
import org.sparkao.quant.safetensors.FileSource;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.Schemes;

/**
 * Blocks first, the whole model then: a second training begins with the scales of the first. The
 * loss of its first step, before anything moves, is what the runtime says of the codes that {@code
 * quantize} makes of the first one's output.
 */
class TestTrainStages {
  private static final String SCHEME = "W3A16(group_size=64, symmetric=false)";
  private static final String SCALES = "qat_scales.safetensors";
  private static final int TOKENS = 32;
  private static final int SAMPLES = 6;
  private static final int BLOCKS = 5;

  @TempDir private static Path shared;
  private static Path dense;
  private static Path first;
  private static Path data;
  private static List<int[]> sequences;
  private static SparkLease spark;

  @TempDir private Path temp;

  @BeforeAll
  static void trainBlocks() throws Exception {
    dense = BundledSample.copyCheckpointTo(shared.resolve("dense"));
    sequences = TokenRows.of(SAMPLES, TOKENS, 41, 13);
    data = TokenRows.write(sequences, shared.resolve("tokens.jsonl"));
    spark = SparkLease.open(JobRun.config(new TrainJob()), "test");
    first = shared.resolve("first");
    // Large steps, so that scales are far from those of the weights.
    train(dense, first, "mode", "block", "block-inputs", "student", "steps", "8");
  }

  @AfterAll
  static void stop() {
    spark.close();
  }

  private static JobRun train(Path checkpoint, Path output, String... options) throws Exception {
    Map<String, String> all = new LinkedHashMap<>();
    all.put("checkpoint", checkpoint.toString());
    all.put("data", data.toString());
    all.put("output", output.toString());
    all.put("tables", output.resolveSibling("tables").toString());
    all.put("device", "cpu");
    all.put("mode", "model");
    all.put("scheme", SCHEME);
    all.put("scales", "learned-step");
    all.put("steps", "1");
    all.put("batch-sequences", Integer.toString(SAMPLES));
    all.put("samples", Integer.toString(SAMPLES));
    all.put("sequence-length", Integer.toString(TOKENS));
    all.put("learning-rate", "3e-3");
    for (int i = 0; i < options.length; i += 2) {
      all.put(options[i], options[i + 1]);
    }
    List<String> list = new ArrayList<>();
    all.forEach((key, value) -> list.addAll(List.of(key, value)));
    return JobRun.of(new TrainJob(), list.toArray(String[]::new));
  }

  /** Losses of first steps, by unit. */
  private List<Double> losses(String run) throws IOException {
    return new DeltaStore(Storage.ofAssignments(List.of()), temp.resolve("tables").toString())
        .read(TrainStepRow.TABLE, run).stream()
            .map(TrainStepRow::of)
            .filter(row -> row.step() == 1)
            .sorted(Comparator.comparing(TrainStepRow::block))
            .map(TrainStepRow::loss)
            .toList();
  }

  private Path quantized(String output, String... options) throws Exception {
    Path to = temp.resolve(output);
    List<String> all = new ArrayList<>(List.of("checkpoint", first.toString()));
    all.addAll(List.of("output", to.toString(), "device", "cpu", "scheme", SCHEME));
    all.addAll(List.of("tables", temp.resolve("quantized").toString()));
    all.addAll(List.of(options));
    JobRun.of(new QuantizeJob(), all.toArray(String[]::new));
    return to;
  }

  @Test
  void theModelBeginsWhereItsBlocksEnded() throws Exception {
    train(first, temp.resolve("second"), "run-id", "second");
    train(first, temp.resolve("anew"), "run-id", "anew", "initial-scales", "none");

    double given = loss(quantized("given"));
    double computed = loss(quantized("computed", "scales", "none"));
    assertThat(given).isNotCloseTo(computed, within(0.02));
    assertThat(losses("second").get(0)).isCloseTo(given, within(1e-4));
    assertThat(losses("anew").get(0)).isCloseTo(computed, within(1e-4));
  }

  /** Mean of all tokens but the first ones, by the runtime. */
  private static double loss(Path quantized) throws IOException {
    LocalFiles files = LocalFiles.of(quantized);
    try (ModelOperators operators = new CpuModelOperators(CpuDevice.open(), 1);
        LanguageModel model =
            LanguageModels.open(
                Checkpoint.open(files),
                files,
                operators,
                ModelSettings.ofTokens(SAMPLES * TOKENS))) {
      double sum =
          model.score(sequences.stream().map(ids -> new ScoredSequence(ids, 1)).toList()).stream()
              .mapToDouble(LanguageModel.SequenceScore::sum)
              .sum();
      return -sum / (SAMPLES * (TOKENS - 1));
    }
  }

  @Test
  void blocksBeginWhereTheyEnded() throws Exception {
    String[] options = {"mode", "block", "teacher", dense.toString(), "run-id", "again"};
    train(first, temp.resolve("again"), options);
    double[] expected = differences(quantized("given"));
    List<Double> losses = losses("again");
    assertThat(losses).hasSize(BLOCKS);
    for (int block = 0; block < BLOCKS; block++) {
      double loss = expected[block];
      assertThat(losses.get(block)).as("block " + block).isCloseTo(loss, within(1e-3 * loss));
    }
  }

  /** Of what quantized blocks make of the states of the dense model; means over all tokens. */
  private static double[] differences(Path quantized) throws IOException {
    double[] means = new double[BLOCKS];
    try (CpuModelOperators one = new CpuModelOperators(CpuDevice.open(), 1);
        CpuModelOperators other = new CpuModelOperators(CpuDevice.open(), 1);
        BlockRunner teacher = BlockOutputs.open(dense, one, TOKENS);
        BlockRunner student = BlockOutputs.open(quantized, other, TOKENS)) {
      List<List<HiddenStates>> states = new ArrayList<>();
      List<HiddenStates> running = teacher.embed(sequences);
      states.add(running.stream().map(HiddenStates::copy).toList());
      teacher.blocks(
          (index, block) -> {
            running.forEach(block::run);
            states.add(running.stream().map(HiddenStates::copy).toList());
          });
      student.blocks(
          (index, block) -> {
            List<HiddenStates> own = states.get(index).stream().map(HiddenStates::copy).toList();
            own.forEach(block::run);
            means[index] = BlockOutputs.relativeError(student, own, states.get(index + 1));
          });
    }
    return means;
  }

  @Test
  @Timeout(value = 60, unit = TimeUnit.SECONDS)
  void killedRunGoesOnToTheSameBits() throws Exception {
    String[] options = {"steps", "6", "save-every", "2", "batch-sequences", "2"};
    Path whole = temp.resolve("whole");
    train(first, whole, options);
    Path output = temp.resolve("killed");
    CompletableFuture<JobRun> killed =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return train(first, output, options);
              } catch (Exception e) {
                throw new CompletionException(e);
              }
            });
    while (Files.notExists(output.resolve("_sparkao/state--1.json"))) {
      assertThat(killed).isNotDone();
      TimeUnit.MILLISECONDS.sleep(5);
    }
    spark.context().cancelAllJobs();
    assertThatThrownBy(killed::join).hasMessageContaining("cancelled");
    train(first, output, options);
    for (String file : List.of("model.safetensors", SCALES)) {
      assertThat(output.resolve(file)).hasSameBinaryContentAs(whole.resolve(file));
    }
    assertThat(whole.resolve(SCALES).toFile()).exists();
  }

  @Test
  void theFileIsPartOfTheTraining() throws Exception {
    Path from = shared.resolve("copy");
    Files.createDirectories(from);
    try (var files = Files.list(first)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Files.copy(file, from.resolve(file.getFileName()));
      }
    }
    Path output = temp.resolve("out");
    JobRun run = train(from, output, "run-id", "one");
    assertThat(run.out()).contains("learned scales begin with those of " + from.resolve(SCALES));
    assertThat(train(from, output).out()).contains("is finished already");
    Files.setLastModifiedTime(from.resolve(SCALES), FileTime.fromMillis(1_000_000));
    assertThatThrownBy(() -> train(from, output))
        .hasMessageContaining("holds the finished run one");
    Path other = temp.resolve("other");
    JobRun anew = train(from, other, "initial-scales", "none", "dry-run", "true");
    assertThat(anew.out()).contains("learned scales begin with those of the weights");
    assertThat(other).doesNotExist();
  }

  @Test
  void refusals() throws IOException {
    Path file = first.resolve(SCALES);
    assertRefused(
        file + ": holds scales that were learned, and --scales computed takes those of the weights",
        "scales",
        "computed");
    assertRefused(
        file + ": the scales of model.layers.0.mlp.down_proj were learned under " + SCHEME,
        "scheme",
        "W4A16(group_size=64)");
    assertRefused("numerics torchao is asked", "numerics", "torchao");
    assertRefused(
        "down_proj were learned, and this recipe does not quantize them", "skip", "down_proj");
    Path part = partOf(file);
    assertRefused(part + ": has no scales of model.layers.", "initial-scales", part.toString());
    String other = first.resolve("model.safetensors").toString();
    assertThatThrownBy(() -> train(first, temp.resolve("refused"), "initial-scales", other))
        .hasMessageContaining("it holds no learned scales");
  }

  /** A file that has the scales of one module alone. */
  private Path partOf(Path file) throws IOException {
    Path part = temp.resolve("part.safetensors");
    DType stored = Checkpoint.open(LocalFiles.of(first)).tensors().get(0).entry().dtype();
    try (FileSource source = FileSource.open(file);
        FileSink sink = FileSink.create(part)) {
      ScalesFile scales = ScalesFile.open(source);
      String module = scales.modules().get(0);
      ModuleScales one =
          new ModuleScales(
              Schemes.parse(SCHEME).name(),
              Numerics.COMPRESSED_TENSORS,
              stored,
              scales.read(source, module));
      ScalesFile.write(sink, Map.of(module, one));
    }
    return part;
  }

  private void assertRefused(String why, String... options) {
    Path output = temp.resolve("refused");
    assertThatThrownBy(() -> train(first, output, options))
        .hasMessageContaining(why)
        .hasMessageContaining("or --initial-scales none to begin anew");
    assertThat(output).doesNotExist();
  }
}
