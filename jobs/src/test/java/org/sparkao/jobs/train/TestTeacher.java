package org.sparkao.jobs.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkao.datasets.sample.BundledSample;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.model.BlockRunner;
import org.sparkao.gpu.model.HiddenStates;
import org.sparkao.gpu.model.cpu.CpuModelOperators;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.job.JobRun;
import org.sparkao.jobs.quantize.QuantizeJob;
import org.sparkao.jobs.spark.SparkLease;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.TrainStepRow;

/** {@code train --teacher}: half of the weights are zero, and the dense model is the teacher. */
class TestTeacher {
  private static final int TOKENS = 32;
  private static final int SAMPLES = 4;
  private static final int BLOCKS = 5;

  @TempDir private static Path shared;
  private static Path dense;
  private static Path sparse;
  private static Path data;
  private static List<int[]> sequences;
  private static SparkLease spark;

  @TempDir private Path temp;

  @BeforeAll
  static void prune() throws Exception {
    dense = BundledSample.copyCheckpointTo(shared.resolve("dense"));
    sequences = TokenRows.of(SAMPLES, TOKENS, 37, 11);
    data = TokenRows.write(sequences, shared.resolve("tokens.jsonl"));
    spark = SparkLease.open(JobRun.config(new TrainJob()), "test");
    sparse = shared.resolve("sparse");
    JobRun.of(
        new QuantizeJob(),
        "checkpoint",
        dense.toString(),
        "output",
        sparse.toString(),
        "sparsity",
        "2:4",
        "tables",
        shared.resolve("tables").toString());
  }

  @AfterAll
  static void stop() {
    spark.close();
  }

  private JobRun train(String output, String... options) throws Exception {
    Map<String, String> all = new HashMap<>();
    all.put("checkpoint", sparse.toString());
    all.put("teacher", dense.toString());
    all.put("keep-zeros", "true");
    all.put("data", data.toString());
    all.put("output", temp.resolve(output).toString());
    all.put("tables", temp.resolve("tables").toString());
    all.put("mode", "block");
    all.put("steps", "1");
    all.put("batch-sequences", Integer.toString(SAMPLES));
    all.put("samples", Integer.toString(SAMPLES));
    all.put("sequence-length", Integer.toString(TOKENS));
    for (int i = 0; i < options.length; i += 2) {
      if (options[i + 1].isEmpty()) {
        all.remove(options[i]);
      } else {
        all.put(options[i], options[i + 1]);
      }
    }
    List<String> list = new ArrayList<>();
    all.forEach((key, value) -> list.addAll(List.of(key, value)));
    return JobRun.of(new TrainJob(), list.toArray(String[]::new));
  }

  private List<TrainStepRow> rows(String run) throws IOException {
    return new DeltaStore(Storage.ofAssignments(List.of()), temp.resolve("tables").toString())
        .read(TrainStepRow.TABLE, run).stream()
            .map(TrainStepRow::of)
            .sorted(Comparator.comparing(TrainStepRow::block).thenComparing(TrainStepRow::step))
            .toList();
  }

  /**
   * The mean loss of two steps, of half of the sequences each, is the mean relative error of what
   * the runtime says blocks of the two give.
   */
  @ParameterizedTest
  @ValueSource(strings = {"teacher", "student"})
  void aBlockLearnsWhatTheTeacherGives(String inputs) throws Exception {
    JobRun run =
        train(
            "out",
            "block-inputs",
            inputs,
            "run-id",
            "one",
            "steps",
            "2",
            "batch-sequences",
            "2",
            "learning-rate",
            "1e-12");
    assertThat(run.code()).isEqualTo(ExitCode.DONE);
    assertThat(run.out())
        .contains("no layer is quantized, weights that are zero stay zero")
        .contains("to give what blocks of " + dense + " give");
    List<TrainStepRow> rows = rows("one");
    assertThat(rows).hasSize(2 * BLOCKS);
    double[] expected = differences(inputs.equals("student"));
    for (int block = 0; block < BLOCKS; block++) {
      double mean = (rows.get(2 * block).loss() + rows.get(2 * block + 1).loss()) / 2;
      double loss = expected[block];
      assertThat(mean).as("block " + block).isCloseTo(loss, within(1e-4 * loss));
    }
  }

  /** A mean over all tokens of all sequences, for each block. */
  private static double[] differences(boolean ofStudent) throws IOException {
    double[] means = new double[BLOCKS];
    try (CpuDevice device = CpuDevice.open();
        CpuModelOperators first = new CpuModelOperators(device, 1);
        CpuModelOperators second = new CpuModelOperators(device, 1);
        BlockRunner teacher = BlockOutputs.open(dense, first, TOKENS);
        BlockRunner student = BlockOutputs.open(sparse, second, TOKENS)) {
      List<HiddenStates> wanted = teacher.embed(sequences);
      List<HiddenStates> own = student.embed(sequences);
      List<List<HiddenStates>> before = new ArrayList<>();
      List<List<HiddenStates>> after = new ArrayList<>();
      teacher.blocks(
          (index, block) -> {
            before.add(wanted.stream().map(HiddenStates::copy).toList());
            wanted.forEach(block::run);
            after.add(wanted.stream().map(HiddenStates::copy).toList());
          });
      student.blocks(
          (index, block) -> {
            List<HiddenStates> states = ofStudent ? own : before.get(index);
            states.forEach(block::run);
            means[index] = BlockOutputs.relativeError(student, states, after.get(index));
          });
    }
    return means;
  }

  /** From itself there is nothing to learn; from the dense one there is. */
  @Test
  void aModelLearnsWhatTheTeacherPredicts() throws Exception {
    train(
        "out",
        "mode",
        "model",
        "distill",
        "true",
        "run-id",
        "m",
        "steps",
        "3",
        "learning-rate",
        "3e-3");
    List<TrainStepRow> rows = rows("m");
    assertThat(rows.get(0).loss()).isGreaterThan(0.01);
    assertThat(rows.get(2).loss()).isLessThan(0.8 * rows.get(0).loss());
  }

  /** A block goes on from what the finished blocks before it give, learned scales included. */
  @Test
  @Timeout(value = 60, unit = TimeUnit.SECONDS)
  void aKilledRunInOrderGoesOnToTheSameBits() throws Exception {
    List<String> all = new ArrayList<>(List.of("block-inputs", "student", "steps", "4"));
    all.addAll(List.of("learning-rate", "1e-3", "scheme", "W4A16", "scales", "learned-step"));
    String[] options = all.toArray(String[]::new);
    train("whole", options);
    CompletableFuture<JobRun> killed =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return train("killed", options);
              } catch (Exception e) {
                throw new CompletionException(e);
              }
            });
    while (!Files.exists(temp.resolve("killed/_sparkao/state-1.json"))) {
      Thread.sleep(1);
    }
    spark.context().cancelAllJobs();
    assertThatThrownBy(killed::join).hasMessageContaining("cancelled");
    train("killed", options);
    byte[] whole = Files.readAllBytes(temp.resolve("whole/model.safetensors"));
    assertThat(Files.readAllBytes(temp.resolve("killed/model.safetensors"))).isEqualTo(whole);
    assertThat(Files.readAllBytes(sparse.resolve("model.safetensors"))).isNotEqualTo(whole);
    assertThat(Files.readAllBytes(temp.resolve("killed/qat_scales.safetensors")))
        .isEqualTo(Files.readAllBytes(temp.resolve("whole/qat_scales.safetensors")));
  }

  /** The same command goes on; with a teacher of another folder it is another training. */
  @Test
  void anotherTeacherIsAnotherTraining() throws Exception {
    train("out", "run-id", "first");
    assertThat(train("out").code()).isEqualTo(ExitCode.DONE);
    Path other = BundledSample.copyCheckpointTo(temp.resolve("other"));
    assertThatThrownBy(() -> train("out", "teacher", other.toString()))
        .hasMessageContaining("out: holds the finished run first");
  }

  @Test
  void theOutputIsNotWrittenIntoTheTeacher() {
    String inside = dense.resolve("trained").toString();
    assertThatThrownBy(() -> train("out", "output", inside))
        .hasMessageContaining("--output " + inside + ": lies in the checkpoint that is read");
    assertThat(dense.resolve("trained")).doesNotExist();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "config.json | \"rms_norm_eps\": 1e-05 | \"rms_norm_eps\": 1e-06"
            + " | its epsilon of norms is 1.0E-6, that of",
        "tokenizer.json | } | }  | its tokenizer.json is not that of",
      })
  void otherModelsAreNoTeachers(String file, String from, String to, String message)
      throws Exception {
    Path other = BundledSample.copyCheckpointTo(temp.resolve("other"));
    String text = Files.readString(other.resolve(file));
    Files.writeString(other.resolve(file), to.equals("}") ? text + " " : text.replace(from, to));
    assertThatThrownBy(() -> train("out", "teacher", other.toString()))
        .hasMessageContaining("--teacher " + other)
        .hasMessageContaining(message);
    assertThat(temp.resolve("out")).doesNotExist();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "mode=model | --teacher * the text says what the next token is; leave it out, or give",
        "teacher= | --keep-zeros: without --scheme the checkpoint gives its own outputs already",
        "keep-zeros= | --scheme NAME is missing",
        "skip=q_proj | --skip: without --scheme nothing is quantized",
        "scales=learned | --scales: without --scheme nothing is quantized",
        "mode=model,distill=true,block-inputs=student | --block-inputs student: a whole model",
        "partitions=2,block-inputs=student | --partitions 2: with --block-inputs student a block",
      })
  void isRefused(String options, String said) {
    List<String> more = new ArrayList<>();
    for (String option : options.split(",")) {
      int at = option.indexOf('=');
      more.addAll(List.of(option.substring(0, at), option.substring(at + 1)));
    }
    String[] parts = said.split(" [*] ");
    assertThatThrownBy(() -> train("out", more.toArray(String[]::new)))
        .hasMessageContaining(parts[0])
        .hasMessageContaining(parts[parts.length - 1]);
    assertThat(temp.resolve("out")).doesNotExist();
  }
}
