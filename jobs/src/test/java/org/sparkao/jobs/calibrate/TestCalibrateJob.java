package org.sparkao.jobs.calibrate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkao.datasets.sample.BundledSample;
import org.sparkao.jobs.describe.DescribeJob;
import org.sparkao.jobs.job.JobRun;
import org.sparkao.jobs.spark.SparkLease;
import org.sparkao.jobs.table.CalibrationRow;
import org.sparkao.jobs.table.RunRow;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.calibration.CalibratedInput;
import org.sparkao.quant.calibration.Calibration;
import org.sparkao.quant.calibration.CalibrationInfo.Block;

/** The bundled sample and a mixture of random weights. */
class TestCalibrateJob {
  private static final String[] SMALL = {
    "samples", "9", "sequence-length", "40", "hessian", "true", "kv-cache", "true", "groups", "7"
  };

  @TempDir private static Path shared;
  private static Path model;
  private static Path text;
  private static Path mixture;
  private static Path alone;
  private static Path parquet;
  private static SparkLease spark;

  @TempDir private Path temp;

  @BeforeAll
  static void calibrateInOneTask() throws Exception {
    model = BundledSample.copyCheckpointTo(shared.resolve("model"));
    text = CalibrateFixture.text(shared);
    mixture = CalibrateFixture.mixture(shared);
    alone = shared.resolve("alone");
    parquet =
        CalibrateFixture.parquet(
            shared, "{\"token_ids\": [5, 6, 7, 8, 9]}", "{\"token_ids\": [9, 8, 7, 6, 5]}");
    spark = SparkLease.open(JobRun.config(new CalibrateJob()), "test");
    JobRun run = CalibrateFixture.run(model, text, alone, with(SMALL, "run-id", "alone"));
    assertThat(run.out()).contains("9 sequences of 40 tokens in 7 groups", "is done");
  }

  @AfterAll
  static void stopSpark() {
    spark.close();
  }

  @ParameterizedTest
  @ValueSource(strings = {"2", "7"})
  void partitionsChangeNoBit(String partitions) throws Exception {
    Path output = temp.resolve("out");
    CalibrateFixture.run(model, text, output, with(SMALL, "partitions", partitions));
    assertThat(CalibrateFixture.content(output)).isEqualTo(CalibrateFixture.content(alone));
  }

  /** Some blocks are finished, of others some sums are there: nothing of it is done again. */
  @Test
  void goesOnWhereItStopped() throws Exception {
    Path output = Files.createDirectories(temp.resolve("out"));
    Path work = Files.createDirectories(output.resolve("_sparkao"));
    Calibration done = CalibrateFixture.open(alone);
    String fingerprint = done.info().options().get("fingerprint");
    Files.writeString(work.resolve("plan.json"), "{\"fingerprint\":\"" + fingerprint + "\"}");
    Block first = done.info().blocks().get(0);
    Files.writeString(output.resolve(first.file()), "left as it is");
    Files.writeString(
        work.resolve("done-" + first.name() + ".json"), "{\"sha256\":\"" + first.sha256() + "\"}");
    Map<String, String> expected = CalibrateFixture.content(alone);
    assertThatThrownBy(() -> CalibrateFixture.run(model, text, output, SMALL))
        .hasMessageContaining("header");
    Files.copy(alone.resolve(first.file()), temp.resolve("first"));
    Files.move(
        temp.resolve("first"), output.resolve(first.file()), StandardCopyOption.REPLACE_EXISTING);
    JobRun again = CalibrateFixture.run(model, text, output, SMALL);
    assertThat(again.out()).contains("is done");
    assertThat(CalibrateFixture.content(output)).isEqualTo(expected);
  }

  @Test
  void rowsOfTheTable() throws Exception {
    List<CalibrationRow> rows =
        CalibrateFixture.rows(alone, CalibrationRow.TABLE).stream()
            .map(CalibrationRow::of)
            .filter(row -> row.file().location().contains("alone"))
            .toList();
    Calibration calibration = CalibrateFixture.open(alone);
    assertThat(rows).hasSize(7 * calibration.info().blocks().size());
    for (CalibrationRow row : rows) {
      CalibratedInput input = calibration.input(row.module());
      assertThat(calibration.inputOf(row.module())).contains(row.input());
      assertThat(row.tokens()).isEqualTo(new CalibrationRow.Tokens(360, 360, 360));
      assertThat(row.tokens().coverage()).isEqualTo(1);
      assertThat(row.columns()).isEqualTo(input.columns());
      assertThat(row.values().amax()).isEqualTo(input.range().amax());
      assertThat(row.values().percentiles().get(1)).isEqualTo(input.magnitudes().percentile(99.9));
      assertThat(input.magnitudes().total()).isEqualTo(360L * input.columns());
      assertThat(input.tokenAmax().total()).isEqualTo(360);
      assertThat(row.expert()).isEmpty();
      assertThat(row.values().int8CutOff()).isPositive();
      boolean cached = row.module().matches(".*\\.[kv]_proj");
      assertThat(row.values().cacheAmax().isPresent()).isEqualTo(cached);
    }
    assertThat(CalibrateFixture.rows(alone, RunRow.TABLE))
        .anyMatch(row -> row.text("job").equals("calibrate") && row.text("status").equals("done"));
  }

  @Test
  void describeShowsTheRun() throws Exception {
    Path page = temp.resolve("page.html");
    String tables = alone.resolveSibling("tables").toString();
    JobRun run =
        JobRun.of(new DescribeJob(), "run", "alone", "tables", tables, "html", page.toString());
    assertThat(run.out())
        .contains("By type of module", "down_proj", "Largest inputs beside their 99.99 %")
        .doesNotContain("Experts that saw least");
    assertThat(page).content().contains("down_proj", "Dead channels");
  }

  /** Experts see what the router sends, the last one too little: it is shown all tokens. */
  @Test
  void expertsThatSeeTooLittleAreShownAllTokens() throws Exception {
    Path output = temp.resolve("out");
    JobRun run =
        CalibrateFixture.run(
            mixture, text, output, "samples", "8", "sequence-length", "32", "expert-tokens", "100");
    Path plain = temp.resolve("plain");
    CalibrateFixture.run(
        mixture, text, plain, "samples", "8", "sequence-length", "32", "expert-tokens", "0");
    Calibration shown = CalibrateFixture.open(output);
    Calibration routed = CalibrateFixture.open(plain);
    for (int layer = 0; layer < CalibrateFixture.LAYERS; layer++) {
      String name = "model.layers." + layer + ".block_sparse_moe.";
      long all = 0;
      boolean some = false;
      for (int expert = 0; expert < CalibrateFixture.EXPERTS; expert++) {
        CalibratedInput with = shown.input(name + "experts." + expert + ".w1");
        CalibratedInput without = routed.input(name + "experts." + expert + ".w1");
        all += without.tokens();
        assertThat(with.routed()).isEqualTo(without.tokens());
        assertThat(without.routed()).isEqualTo(without.tokens());
        assertThat(with.tokens()).isGreaterThanOrEqualTo(100);
        assertThat(shown.input(name + "experts." + expert + ".w2").tokens())
            .isEqualTo(with.tokens());
        some |= with.tokens() > with.routed();
      }
      assertThat(all).isEqualTo(2 * 256);
      assertThat(some).isTrue();
      assertThat(shown.input(name + "gate").tokens()).isEqualTo(256);
    }
    assertThat(run.out()).contains("layers of experts: 24; shown more than the router sent: ");
  }

  /** With as many as there are, every expert sees what the router reads. */
  @Test
  void allTokensGiveTheStatisticsOfTheRouter() throws Exception {
    Path output = temp.resolve("out");
    CalibrateFixture.run(
        mixture,
        text,
        output,
        "samples",
        "4",
        "sequence-length",
        "32",
        "expert-tokens",
        "1000",
        "partitions",
        "3");
    Calibration calibration = CalibrateFixture.open(output);
    String name = "model.layers.1.block_sparse_moe.";
    CalibratedInput router = calibration.input(name + "gate");
    for (int expert = 0; expert < CalibrateFixture.EXPERTS; expert++) {
      CalibratedInput input = calibration.input(name + "experts." + expert + ".w3");
      assertThat(input.tokens()).isEqualTo(128);
      assertThat(input.magnitudes().total()).isEqualTo(128 * 32);
      for (int i = 0; i < 32; i++) {
        assertThat(input.meanSquare()[i]).isCloseTo(router.meanSquare()[i], within(1e-5f));
      }
    }
  }

  @Test
  void tokensOfRowsAndTextOfLinesAreReadAlike() throws Exception {
    Path lines = temp.resolve("lines.jsonl");
    List<String> stories = BundledSample.heldOutText();
    ObjectMapper json = new ObjectMapper();
    Files.writeString(
        lines,
        stories.stream()
            .map(story -> "{\"story\": " + json.valueToTree(story) + "}")
            .collect(Collectors.joining("\n")));
    Path output = temp.resolve("lines");
    CalibrateFixture.run(
        model, lines, output, "samples", "2", "sequence-length", "16", "text-column", "story");
    Path rows = temp.resolve("rows.jsonl");
    String row =
        IntStream.range(0, 35).mapToObj(i -> "" + (i + 5)).collect(Collectors.joining(","));
    Files.writeString(rows, "{\"token_ids\": [" + row + "]}\n{\"token_ids\": [1, 2]}\n");
    CalibrateFixture.run(
        model, rows, temp.resolve("rows"), "samples", "2", "sequence-length", "16");
    assertThat(CalibrateFixture.open(temp.resolve("rows")).info().tokens()).isEqualTo(32);
    assertThatThrownBy(
            () ->
                CalibrateFixture.run(
                    model, rows, temp.resolve("more"), "samples", "3", "sequence-length", "16"))
        .isInstanceOf(QuantException.class)
        .hasMessageContaining(
            "holds 2 sequences of 16 tokens (37 tokens in all, 1 rows are shorter)")
        .hasMessageContaining("--samples asks for 3");
  }

  /** Far more than the bytes that the texts alone would have. */
  @Test
  void otherColumnsOfLinesMayBeOfAnySize() throws Exception {
    List<String> texts = List.of("Once upon a time", "there was a little", "dog who ran", "home.");
    String other = "x".repeat(700_000);
    Path wide = temp.resolve("wide.jsonl");
    Path plain = temp.resolve("plain.jsonl");
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < texts.size(); i++) {
      String others = other.repeat(2 * i + 1);
      lines.append("{\"other\": \"%s\", \"text\": \"%s\"}\n\n".formatted(others, texts.get(i)));
    }
    Files.writeString(wide, lines);
    Files.writeString(plain, lines.toString().replaceAll("x{100,}", ""));
    String[] options = {"samples", "1", "sequence-length", "14"};
    CalibrateFixture.run(model, wide, temp.resolve("wide"), options);
    CalibrateFixture.run(model, plain, temp.resolve("plain"), options);
    assertThat(CalibrateFixture.open(temp.resolve("wide")).info().data().sha256())
        .isEqualTo(CalibrateFixture.open(temp.resolve("plain")).info().data().sha256());
    Files.writeString(wide, lines.toString().replace("home.", "home.\\q"));
    assertThatThrownBy(
            () ->
                CalibrateFixture.run(
                    model, wide, temp.resolve("no"), "samples", "9", "sequence-length", "14"))
        .isInstanceOf(QuantException.class)
        .hasMessageContaining("wide.jsonl, line 7: is not JSON");
  }

  @Test
  void parquetOfTokensIsReadAsLinesAre() throws Exception {
    Path lines =
        Files.writeString(
            temp.resolve("lines.jsonl"),
            "{\"token_ids\": [5, 6, 7, 8]}\n{\"token_ids\": [9, 8, 7, 6]}\n");
    Path one = temp.resolve("one");
    Path other = temp.resolve("other");
    CalibrateFixture.run(model, lines, one, "samples", "2", "sequence-length", "4");
    CalibrateFixture.run(model, parquet, other, "samples", "2", "sequence-length", "4");
    assertThat(CalibrateFixture.open(other).info().data().sha256())
        .isEqualTo(CalibrateFixture.open(one).info().data().sha256());
    assertThat(CalibrateFixture.open(other).info().blocks())
        .isEqualTo(CalibrateFixture.open(one).info().blocks());
  }

  @Test
  void inputsThatAreNoNumbersAreRefused() throws Exception {
    Path spoilt = CalibrateFixture.mixture(temp);
    CalibrateFixture.spoil(spoilt);
    Path lines = Files.writeString(temp.resolve("lines.jsonl"), "{\"token_ids\": [0, 1]}");
    assertThatThrownBy(
            () ->
                CalibrateFixture.run(
                    spoilt, lines, temp.resolve("out"), "samples", "1", "sequence-length", "2"))
        .isInstanceOf(QuantException.class)
        .hasMessageContaining("q_proj: channel 0 of its input is NaN")
        .hasMessageContaining("--arithmetic");
    assertThat(temp.resolve("out/calibration.json")).doesNotExist();
  }

  @Test
  void refusals() throws Exception {
    Path output = temp.resolve("out");
    assertThatThrownBy(() -> CalibrateFixture.run(model, text, output, "sequence-length", "100000"))
        .isInstanceOf(QuantException.class)
        .hasMessageContaining("--sequence-length 100000: the model's context is");
    assertThatThrownBy(() -> CalibrateFixture.run(model, text, output, "samples", "1000000"))
        .isInstanceOf(QuantException.class)
        .hasMessageContaining("--samples asks for 1000000");
    Path rows = Files.writeString(temp.resolve("rows.jsonl"), "{\"token_ids\": [1, 99999]}");
    assertThatThrownBy(
            () -> CalibrateFixture.run(model, rows, output, "samples", "1", "sequence-length", "2"))
        .isInstanceOf(QuantException.class)
        .hasMessageContaining("line 1: token 99999 is none of this model");
    assertThat(output).doesNotExist();
    Files.writeString(Files.createDirectory(output).resolve("mine.txt"), "x");
    assertThatThrownBy(() -> CalibrateFixture.run(model, text, output, "dry-run", "true"))
        .isInstanceOf(QuantException.class)
        .hasMessageContaining("holds files, none of them of a calibration; choose another folder");
    assertThatThrownBy(
            () -> CalibrateFixture.run(model, text, alone, "samples", "1", "sequence-length", "40"))
        .isInstanceOf(QuantException.class)
        .hasMessageContaining("holds a calibration of");
  }

  private static String[] with(String[] options, String... more) {
    String[] all = Arrays.copyOf(options, options.length + more.length);
    System.arraycopy(more, 0, all, options.length, more.length);
    return all;
  }
}
