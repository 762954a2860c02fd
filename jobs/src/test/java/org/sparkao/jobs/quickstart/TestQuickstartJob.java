package org.sparkao.jobs.quickstart;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.spark.SparkContext;
import org.jsoup.Jsoup;
import org.jsoup.nodes.Document;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.job.JobRun;
import org.sparkao.jobs.spark.SparkLease;
import org.sparkao.quant.QuantException;

/** The quickstart on the bundled sample, twice. */
class TestQuickstartJob {
  private static final QuickstartJob JOB = new QuickstartJob();

  @TempDir private static Path folder;
  private static SparkLease spark;
  private static JobRun first;
  private static Map<Path, Long> afterFirst;
  private static JobRun second;
  private static boolean sparkSurvived;

  @BeforeAll
  static void runTwice() throws Exception {
    spark = SparkLease.open(JobRun.config(JOB), "test");
    first = run();
    sparkSurvived = !spark.context().isStopped();
    afterFirst = checkpointFiles();
    second = run();
  }

  @AfterAll
  static void stop() {
    spark.close();
  }

  private static JobRun run() throws Exception {
    return JobRun.of(
        JOB,
        "output",
        folder.resolve("out").toString(),
        "tables",
        folder.resolve("tables").toString());
  }

  private static Map<Path, Long> checkpointFiles() throws IOException {
    Map<Path, Long> times = new HashMap<>();
    try (Stream<Path> files = Files.walk(folder.resolve("out"))) {
      for (Path file : files.filter(path -> path.toString().endsWith(".safetensors")).toList()) {
        times.put(file, Files.getLastModifiedTime(file).toMillis());
      }
    }
    return times;
  }

  /**
   * A layer has 196,608 weights in 7 matrices of 1,280 rows. Bits: 8 + 16 x 1280 / 196608 for a
   * bf16 scale a row; 4 + 16 / 128 + 7 x 128 bits of shape / 196608.
   */
  @Test
  void endsWithATableOfSchemes() {
    assertThat(first.code()).isEqualTo(ExitCode.DONE);
    List<String> lines = first.lines();
    int title =
        lines.indexOf(
            lines.stream().filter(line -> line.startsWith("scheme ")).findFirst().orElseThrow());
    assertThat(lines.get(title).split(" {2,}"))
        .containsExactly(
            "scheme",
            "before",
            "after",
            "bits/weight",
            "mean SQNR",
            "worst SQNR",
            "accuracy",
            "verify");
    assertThat(lines.get(title + 1)).matches("none +2\\.36 MB +2\\.36 MB +16\\.00 .* % +-");
    assertThat(lines.subList(title + 2, title + 6))
        .allSatisfy(line -> assertThat(line).matches(".* \\d+\\.\\d \u00b1 \\d\\.\\d % +ok"))
        .satisfiesExactly(
            line -> assertThat(line).matches("FP8_DYNAMIC +2\\.36 MB +[\\d.]+ MB +8\\.10 .*"),
            line -> assertThat(line).matches("W8A8 +2\\.36 MB +[\\d.]+ MB +8\\.10 .*"),
            line -> assertThat(line).matches("W4A16 +2\\.36 MB +\\d+ kB +4\\.13 .*"),
            line -> assertThat(line).matches("W4A16-trained +2\\.36 MB +\\d+ kB +4\\.13 .*"));
  }

  @Test
  void saysWhereEverythingIs() throws Exception {
    assertThat(first.out()).contains("sample: copied to " + folder.resolve("out/sample"));
    for (String scheme : List.of("FP8_DYNAMIC", "W8A8", "W4A16")) {
      Path output = folder.resolve("out").resolve(scheme);
      Path page = folder.resolve("out").resolve(scheme + ".html");
      assertThat(first.out()).contains(output + "\n").contains(page + "\n");
      assertThat(output.resolve("config.json")).exists();
      assertThat(Jsoup.parse(Files.readString(page)).select("h1").text()).startsWith("quantize-");
      Path compared = folder.resolve("out").resolve(scheme + "-compared.html");
      assertThat(Jsoup.parse(Files.readString(compared)).select("#differences tbody tr"))
          .hasSize(3);
    }
    assertThat(first.out()).contains("Delta tables  ").contains(folder + "/tables");
  }

  @Test
  void leavesNothingTemporary() throws IOException {
    try (Stream<Path> files = Files.list(folder.resolve("out"))) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .containsExactlyInAnyOrder(
              "sample",
              "sample.html",
              "FP8_DYNAMIC-compared.html",
              "W8A8-compared.html",
              "W4A16-compared.html",
              "FP8_DYNAMIC",
              "FP8_DYNAMIC.html",
              "W8A8",
              "W8A8.html",
              "W4A16",
              "W4A16.html",
              "held-out.txt",
              "trained",
              "trained.html",
              "W4A16-trained",
              "W4A16-trained.html",
              "W4A16-trained-compared.html");
    }
  }

  /** Five blocks of 20 steps; scales are looked at whenever a state is kept, every second step. */
  @Test
  void trains() throws Exception {
    Document page = Jsoup.parse(Files.readString(folder.resolve("out/trained.html")));
    assertThat(page.select("h1").text()).startsWith("train-");
    assertThat(page.select("#loss tbody tr")).hasSize(5);
    assertThat(page.select("#loss tbody td:nth-child(2)").eachText()).containsOnly("20");
    assertThat(page.select("#steps figcaption").eachText())
        .containsExactly(
            "Learning rate",
            "Learned scales, times those of the first state",
            "Norm of all gradients",
            "Tokens a second");
    assertThat(first.out()).containsPattern("trained: for W4A16, in [\\d.]+ s");
    assertThat(accuracy(first, "W4A16-trained")).isGreaterThan(accuracy(first, "W4A16"));
  }

  private static double accuracy(JobRun run, String name) {
    String line =
        run.lines().stream().filter(text -> text.startsWith(name + " ")).findFirst().orElseThrow();
    Matcher percent = Pattern.compile("([\\d.]+) \u00b1").matcher(line);
    assertThat(percent.find()).as(line).isTrue();
    return Double.parseDouble(percent.group(1));
  }

  @Test
  void usesTheSparkThereIs() {
    assertThat(sparkSurvived).isTrue();
    assertThat(SparkContext.getOrCreate()).isSameAs(spark.context());
  }

  @Test
  void saysTheSecondTimeWhatIsThere() throws Exception {
    assertThat(second.code()).isEqualTo(ExitCode.DONE);
    assertThat(second.out())
        .contains("sample: already at ")
        .containsPattern("FP8_DYNAMIC: was there already, by run quantize-\\S+; verified")
        .containsPattern("W4A16 +2\\.36 MB .* ok");
    assertThat(checkpointFiles()).isEqualTo(afterFirst);
  }

  @Test
  void writesToThisMachineOnly() {
    assertThatThrownBy(() -> JobRun.of(JOB, "output", "s3a://bucket/quickstart"))
        .isInstanceOf(QuantException.class)
        .hasMessage("--output s3a://bucket/quickstart: name a folder of this machine");
  }
}
