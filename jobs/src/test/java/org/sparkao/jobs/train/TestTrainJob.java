package org.sparkao.jobs.train;

import static java.util.stream.Collectors.toMap;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.datasets.sample.BundledSample;
import org.sparkao.jobs.describe.DescribeJob;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.job.JobRun;
import org.sparkao.jobs.quantize.QuantizeJob;
import org.sparkao.jobs.spark.SparkLease;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.TrainStepRow;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.LocalFiles;
import org.sparkao.quant.safetensors.ByteSource;
import org.sparkao.quant.safetensors.SafetensorsHeader;
import org.sparkao.quant.safetensors.TensorEntry;
import org.sparkao.quant.safetensors.TensorSpec;

/** The bundled sample, trained for int4 in rows, which costs it much. */
class TestTrainJob {
  private static final String SCHEME = "W4A16(group_size=128)";
  private static final String BLOCK = "block";

  @TempDir private static Path shared;
  private static Path model;
  private static Path text;
  private static Path distilled;
  private static SparkLease spark;

  @TempDir private Path temp;

  @BeforeAll
  static void distillOnce() throws Exception {
    model = BundledSample.copyCheckpointTo(shared.resolve("model"));
    text =
        Files.writeString(
            shared.resolve("text.txt"), String.join("\n", BundledSample.heldOutText()));
    spark = SparkLease.open(JobRun.config(new TrainJob()), "test");
    distilled = shared.resolve("distilled");
    JobRun run = train(distilled, "model", "run-id", "distilled", "distill", "true");
    assertThat(run.code()).isEqualTo(ExitCode.DONE);
  }

  @AfterAll
  static void stopSpark() {
    spark.close();
  }

  private static JobRun train(Path output, String mode, String... options) throws Exception {
    Map<String, String> all = new HashMap<>();
    all.put("checkpoint", model.toString());
    all.put("data", text.toString());
    all.put("output", output.toString());
    all.put("tables", output.resolveSibling("tables").toString());
    all.put("scheme", SCHEME);
    all.put("mode", mode);
    all.put("steps", "24");
    all.put("batch-sequences", "4");
    all.put("samples", "20");
    all.put("sequence-length", "32");
    all.put("learning-rate", "3e-4");
    all.put("save-every", "4");
    for (int i = 0; i < options.length; i += 2) {
      all.put(options[i], options[i + 1]);
    }
    List<String> list = new ArrayList<>();
    all.forEach((key, value) -> list.addAll(List.of(key, value)));
    return JobRun.of(new TrainJob(), list.toArray(String[]::new));
  }

  /** The bytes of all files but that of the run's name, each as a text that compares. */
  private static Map<String, String> content(Path folder) throws IOException {
    Map<String, String> all = new TreeMap<>();
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        if (!file.endsWith("sparkao.json")) {
          byte[] bytes = Files.readAllBytes(file);
          all.put(file.getFileName().toString(), bytes.length + " " + Arrays.hashCode(bytes));
        }
      }
    }
    return all;
  }

  private static List<TrainStepRow> rows(Path output, String run) throws IOException {
    String tables = output.resolveSibling("tables").toString();
    return new DeltaStore(Storage.ofAssignments(List.of()), tables)
        .read(TrainStepRow.TABLE, run).stream()
            .map(TrainStepRow::of)
            .sorted(Comparator.comparing(TrainStepRow::block).thenComparing(TrainStepRow::step))
            .toList();
  }

  private static double mean(List<TrainStepRow> rows) {
    return rows.stream().mapToDouble(TrainStepRow::loss).average().orElseThrow();
  }

  /** What a model loses to fake quantization is given back; a wrong gradient would not do that. */
  @Test
  void lossFalls() throws Exception {
    List<TrainStepRow> rows = rows(distilled, "distilled");
    assertThat(rows).hasSize(24).allMatch(row -> row.block() == -1 && row.tokens() == 4 * 32);
    assertThat(mean(rows.subList(19, 24))).isLessThan(0.7 * mean(rows.subList(0, 5)));
    assertThat(rows.get(23).learningRate()).isLessThan(rows.get(0).learningRate());
  }

  @Test
  void outputIsTheCheckpointTrained() throws Exception {
    Checkpoint before = Checkpoint.open(LocalFiles.of(model));
    Checkpoint after = Checkpoint.open(LocalFiles.of(distilled));
    assertThat(specs(after)).isEqualTo(specs(before));
    Map<String, String> source = content(model);
    Map<String, String> output = content(distilled);
    assertThat(output.keySet()).isEqualTo(source.keySet());
    source.remove("model.safetensors");
    assertThat(output).containsAllEntriesOf(source);
    JobRun quantized =
        JobRun.of(
            new QuantizeJob(),
            "checkpoint",
            distilled.toString(),
            "output",
            temp.resolve("quantized").toString(),
            "tables",
            temp.resolve("tables").toString(),
            "scheme",
            SCHEME);
    assertThat(quantized.code()).isEqualTo(ExitCode.DONE);
  }

  private static List<TensorSpec> specs(Checkpoint checkpoint) {
    return checkpoint.tensors().stream()
        .map(tensor -> tensor.entry())
        .map(entry -> new TensorSpec(entry.name(), entry.dtype(), entry.shape()))
        .toList();
  }

  @Test
  void sameCommandOnAFinishedOutput() throws Exception {
    JobRun again = train(distilled, "model", "distill", "true");
    assertThat(again.out()).contains("is finished already");
    assertThatThrownBy(() -> train(distilled, "model", "distill", "true", "seed", "1"))
        .hasMessageContaining("holds the finished run distilled");
  }

  /** Tasks are cancelled in the middle of it; the same command goes on from the last state. */
  @Test
  @Timeout(value = 60, unit = TimeUnit.SECONDS)
  void killedRunGoesOnToTheSameBits() throws Exception {
    Path output = temp.resolve("out");
    CompletableFuture<JobRun> killed = start(output, "distill", "true", "save-every", "2");
    await(output.resolve("_sparkao/state--1.json"));
    spark.context().cancelAllJobs();
    assertThatThrownBy(killed::join).hasMessageContaining("cancelled");
    assertThat(output.resolve("config.json")).doesNotExist();

    train(output, "model", "distill", "true", "save-every", "2");

    assertThat(content(output)).isEqualTo(content(distilled));
  }

  /**
   * Two workers of two sequences see in each step what one sees that takes four, and have its
   * curve. A run that was cancelled, and keeps other states, ends with the same bits.
   */
  @Test
  @Timeout(value = 120, unit = TimeUnit.SECONDS)
  void workersHaveTheCurveOfOneWithAsMuchData() throws Exception {
    String[] options = {
      "distill",
      "true",
      "workers",
      "2",
      "batch-sequences",
      "2",
      "local-steps",
      "6",
      "outer-momentum",
      "0.1",
      "run-id",
      "shared"
    };
    Path one = Files.createDirectories(temp.resolve("a")).resolve("out");
    train(one, "model", with(options, "save-every", "100"));
    List<TrainStepRow> rows = rows(one, "shared");
    assertThat(rows).hasSize(24).allMatch(row -> row.tokens() == 2 * 2 * 32);
    List<TrainStepRow> alone = rows(distilled, "distilled");
    assertThat(rows.get(0).loss()).isCloseTo(alone.get(0).loss(), within(1e-6));
    double ratio = mean(rows.subList(12, 24)) / mean(alone.subList(12, 24));
    assertThat(ratio).isBetween(0.85, 1.15);

    Path other = Files.createDirectories(temp.resolve("b")).resolve("out");
    CompletableFuture<JobRun> killed = start(other, with(options, "save-every", "5"));
    await(other.resolve("_sparkao/state--1.json"));
    spark.context().cancelAllJobs();
    assertThatThrownBy(killed::join).hasMessageContaining("cancelled");

    train(other, "model", options);

    assertThat(content(other)).isEqualTo(content(one));
    assertThat(losses(rows(other, "shared"))).isEqualTo(losses(rows));
  }

  /** Of workers that wait for each other, too. */
  @Test
  @Timeout(value = 60, unit = TimeUnit.SECONDS)
  void trainingsThatBlowUpAreRefused() {
    for (String workers : List.of("1", "2")) {
      Path output = temp.resolve("out" + workers);
      assertThatThrownBy(() -> train(output, "model", "workers", workers, "learning-rate", "1e15"))
          .isInstanceOf(QuantException.class)
          .hasMessageContaining("lower the learning rate");
    }
  }

  private static CompletableFuture<JobRun> start(Path output, String... options) {
    return CompletableFuture.supplyAsync(
        () -> {
          try {
            return train(output, "model", options);
          } catch (Exception e) {
            throw new CompletionException(e);
          }
        });
  }

  private static void await(Path file) throws InterruptedException {
    while (!Files.exists(file)) {
      Thread.sleep(2);
    }
  }

  private static String[] with(String[] options, String... more) {
    return Stream.concat(Arrays.stream(options), Arrays.stream(more)).toArray(String[]::new);
  }

  private static List<Double> losses(List<TrainStepRow> rows) {
    return rows.stream().map(TrainStepRow::loss).toList();
  }

  @Test
  void partitionsOfBlocksChangeNoBit() throws Exception {
    Path one = temp.resolve("one");
    train(one, BLOCK, "run-id", "one", "partitions", "1", "steps", "10");
    Path three = temp.resolve("three");
    train(three, BLOCK, "partitions", "3", "steps", "10", "save-every", "100");
    assertThat(content(three)).isEqualTo(content(one)).isNotEqualTo(content(model));
    List<TrainStepRow> rows = rows(one, "one");
    assertThat(rows).hasSize(5 * 10);
    for (int block = 0; block < 5; block++) {
      List<TrainStepRow> own = rows.subList(10 * block, 10 * block + 10);
      // Five steps see all sequences once.
      assertThat(mean(own.subList(5, 10))).as("block " + block).isLessThan(mean(own.subList(0, 5)));
    }
  }

  @Test
  void learnedScalesAreWritten() throws Exception {
    Path output = temp.resolve("out");
    String[] options = {"scales", "learned-step", "freeze", "norm|o_proj"};
    train(output, BLOCK, with(options, "run-id", "learned", "steps", "4"));
    assertThat(output.resolve("qat_scales.safetensors")).exists();
    assertThat(changed(output))
        .isNotEmpty()
        .allMatch(name -> name.matches("model[.]layers[.].*_proj[.]weight"))
        .noneMatch(name -> name.contains("o_proj"));
    List<TrainStepRow> rows = rows(output, "learned");
    assertThat(rows.get(3).scales()).hasSize(5).isSorted().allMatch(scale -> scale > 0);
    assertThat(rows.get(2).scales()).isEmpty();
  }

  /** Names of the tensors whose bytes are not those of the model. */
  private static List<String> changed(Path output) throws IOException {
    List<String> names = new ArrayList<>();
    try (ByteSource before = LocalFiles.of(model).open("model.safetensors");
        ByteSource after = LocalFiles.of(output).open("model.safetensors")) {
      Map<String, TensorEntry> trained =
          SafetensorsHeader.read(after).entries().stream()
              .collect(toMap(TensorEntry::name, entry -> entry));
      for (TensorEntry entry : SafetensorsHeader.read(before).entries()) {
        if (!Arrays.equals(bytes(before, entry), bytes(after, trained.get(entry.name())))) {
          names.add(entry.name());
        }
      }
    }
    return names;
  }

  private static byte[] bytes(ByteSource file, TensorEntry entry) throws IOException {
    byte[] bytes = new byte[(int) entry.bytes()];
    file.readFully(entry.begin(), bytes, 0, bytes.length);
    return bytes;
  }

  @Test
  void refusals() throws Exception {
    Path output = temp.resolve("out");
    assertThatThrownBy(() -> train(output, BLOCK, "freeze", "nothing"))
        .hasMessageContaining("--freeze nothing: is found in none of the names");
    assertThatThrownBy(() -> train(output, BLOCK, "freeze", "."))
        .hasMessageContaining("--freeze .: is found in all of the names");
    assertThatThrownBy(() -> train(output, BLOCK, "freeze", "("))
        .hasMessageContaining("use a regular expression");
    assertThatThrownBy(() -> train(output, BLOCK, "device", "cpu", "arithmetic", "bf16"))
        .hasMessageContaining("--arithmetic bf16: the processor trains in fp32");
    assertThatThrownBy(() -> train(output, BLOCK, "device", "cpu", "float8", "tensorwise"))
        .hasMessageContaining("--float8 tensorwise: the processor has no fp8 products");
    assertThatThrownBy(() -> train(output, BLOCK, "distill", "true"))
        .hasMessageContaining("--distill: a block always learns");
    assertThatThrownBy(() -> train(output, BLOCK, "sequence-length", "513"))
        .hasMessageContaining("the model's context is 512");
    assertThatThrownBy(() -> train(output, BLOCK, "samples", "1000000"))
        .hasMessageContaining("--samples asks for 1000000");
    assertThatThrownBy(() -> train(output, BLOCK, "scheme", "FP8"))
        .hasMessageContaining("stores a scale of the inputs, which is not trained");
    assertThatThrownBy(() -> train(output, BLOCK, "scheme", "NVFP4A16", "scales", "learned"))
        .hasMessageContaining("use --scales computed");
    assertThatThrownBy(() -> train(output, BLOCK, "hidden-weight", "1"))
        .hasMessageContaining("--hidden-weight: a block learns hidden states alone");
    assertThatThrownBy(() -> train(output, "model", "hidden-weight", "1"))
        .hasMessageContaining("--hidden-weight: no teacher is asked");
    assertThatThrownBy(() -> train(output, "model", "label-weight", "1"))
        .hasMessageContaining("--label-weight: no teacher is asked");
    assertThatThrownBy(() -> train(output, "model", "weight-decay", "100", "learning-rate", "0.01"))
        .hasMessageContaining("--weight-decay 100.0: times --learning-rate 0.01 it takes all");
    assertThatThrownBy(() -> train(output, "model", "decay-to", "start"))
        .hasMessageContaining("--decay-to start: weights do not decay");
    assertThatThrownBy(() -> train(output, BLOCK, "scale-learning-rate", "1e-5"))
        .hasMessageContaining("--scale-learning-rate: scales are computed from weights");
    assertThatThrownBy(() -> train(output, BLOCK, "scheme", "W8A8", "skip", "q_proj"))
        .hasMessageContaining("layers that loaders fuse must have one scheme");
    assertThatThrownBy(() -> train(output, BLOCK, "skip", "."))
        .hasMessageContaining("nothing would be quantized");
    assertThatThrownBy(() -> train(output, BLOCK, "warmup", "25"))
        .hasMessageContaining("--warmup 25: there are 24 steps");
    assertThatThrownBy(() -> train(output, BLOCK, "workers", "2"))
        .hasMessageContaining("blocks are spread over executors by --partitions");
    assertThatThrownBy(() -> train(output, "model", "local-steps", "2"))
        .hasMessage(
            "--local-steps: one worker has nobody to average with; leave it out, or give"
                + " --workers");
    assertThatThrownBy(() -> train(output, "model", "workers", "3"))
        .hasMessageContaining("--workers 3: they run at the same time, and --master local[2");
    assertThatThrownBy(() -> train(output, "model", "workers", "6"))
        .hasMessageContaining("--samples 20: a step takes 24 sequences");
    Files.writeString(Files.createDirectories(output).resolve("notes.txt"), "mine");
    assertThatThrownBy(() -> train(output, BLOCK)).hasMessageContaining("is not empty (notes.txt)");
  }

  @Test
  void described() throws Exception {
    Path page = temp.resolve("page.html");
    JobRun run =
        JobRun.of(
            new DescribeJob(),
            "run",
            "distilled",
            "tables",
            shared.resolve("tables").toString(),
            "html",
            page.toString());
    assertThat(run.out()).contains("Loss", "24 steps", "cpu, fp32");
    assertThat(Files.readString(page))
        .contains("id=\"loss\"", "<svg", "<figcaption>Norm of all gradients")
        .doesNotContain("<figcaption>Learned scales");
  }
}
