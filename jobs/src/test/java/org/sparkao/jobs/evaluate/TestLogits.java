package org.sparkao.jobs.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.data.Percentage.withPercentage;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.datasets.tokenizer.Tokenizer;
import org.sparkao.datasets.tokenizer.Tokenizers;
import org.sparkao.jobs.job.JobRun;
import org.sparkao.jobs.job.Texts;
import org.sparkao.jobs.table.EvalItemRow;
import org.sparkao.jobs.table.EvalResultRow;
import org.sparkao.quant.safetensors.FileSource;
import org.sparkao.quant.safetensors.SafetensorsHeader;
import org.sparkao.quant.safetensors.TensorEntry;

/** Stored logits, and divergences from them against sums that this test takes by itself. */
class TestLogits {
  private static final int VOCABULARY = EvaluateFixture.VOCABULARY;
  private static final FakeModels BASE = new FakeModels(VOCABULARY, 512);
  private static final FakeModels NEAR = new FakeModels(VOCABULARY, 512, 0.1f);
  private static final FakeModels FAR = new FakeModels(VOCABULARY, 512, 4f);

  @TempDir private Path folder;
  private EvaluateFixture fixture;

  @BeforeEach
  void writeFixture() throws Exception {
    FakeModels.reset();
    fixture = new EvaluateFixture(folder, BASE);
  }

  private void storeBase() throws Exception {
    fixture.run("t", "run-id", "base", "store-logits", "true");
  }

  private static double metric(EvalItemRow row, String name) {
    return row.scores().metrics().stream()
        .filter(value -> value.name().equals(name))
        .findFirst()
        .orElseThrow()
        .value();
  }

  private EvalResultRow result(String task, String metric) throws IOException {
    return fixture.results("t", "r").stream()
        .filter(row -> row.task().equals(task) && row.metric().equals(metric))
        .findFirst()
        .orElseThrow();
  }

  private List<Path> logits(String tables) throws IOException {
    try (Stream<Path> files = Files.list(folder.resolve(tables).resolve("logits"))) {
      return files.filter(file -> !file.endsWith("format.json")).sorted().toList();
    }
  }

  /** ln p of all tokens after two others, in double. */
  private static double[] logSoftmax(FakeModels models, int before, int last) {
    float[] logits = models.logits(before, last);
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp(logit);
    }
    double[] result = new double[logits.length];
    for (int i = 0; i < result.length; i++) {
      result[i] = logits[i] - Math.log(sum);
    }
    return result;
  }

  private static int likeliest(double[] values) {
    int best = 0;
    for (int i = 1; i < values.length; i++) {
      best = values[i] > values[best] ? i : best;
    }
    return best;
  }

  private JsonNode choice(int item) throws IOException {
    String line = Files.readAllLines(folder.resolve("data/choice.jsonl")).get(item);
    return new ObjectMapper().readTree(line);
  }

  /**
   * Divergence and agreement of an item of {@code choice}: means over the tokens of its choices.
   */
  private double[] expected(Tokenizer tokenizer, int item, FakeModels model) throws IOException {
    JsonNode record = choice(item);
    String context = record.path("q").asText();
    double divergence = 0;
    double agreeing = 0;
    int tokens = 0;
    for (JsonNode choice : record.path("c")) {
      int[] ids = tokenizer.encodeWithSpecialTokens(context + " " + choice.asText());
      for (int i = tokenizer.encodeWithSpecialTokens(context).length; i < ids.length; i++) {
        double[] p = logSoftmax(BASE, ids[i - 2], ids[i - 1]);
        double[] q = logSoftmax(model, ids[i - 2], ids[i - 1]);
        for (int v = 0; v < p.length; v++) {
          divergence += Math.exp(p[v]) * (p[v] - q[v]);
        }
        agreeing += likeliest(p) == likeliest(q) ? 1 : 0;
        tokens++;
      }
    }
    return new double[] {divergence / tokens, agreeing / tokens};
  }

  @Test
  void theSameModelDoesNotDiverge() throws Exception {
    storeBase();
    JobRun run = fixture.run("t", "run-id", "r", "base", "base");
    List<EvalItemRow> rows = fixture.items("t", "r");
    assertThat(rows).hasSize(86);
    for (EvalItemRow row : rows) {
      assertThat(metric(row, "kl_divergence")).isZero();
      assertThat(metric(row, "top1_agreement")).isEqualTo(1);
    }
    assertThat(result("text", "kl_divergence").value()).isZero();
    assertThat(result("text", "top1_agreement").value()).isEqualTo(1);
    assertThat(result("text", "top1_agreement").spread().standardError().orElseThrow()).isZero();
    assertThat(run.out()).contains("kl_divergence").contains("top1_agreement");
  }

  @Test
  void divergencesAreThoseOfTheDistributions() throws Exception {
    fixture.run("t", "run-id", "base", "store-logits", "true", "max-length", "512");
    for (FakeModels model : List.of(NEAR, FAR)) {
      String run = model == NEAR ? "near" : "r";
      fixture.run(model, "t", "run-id", run, "base", "base", "max-length", "512");
      List<EvalItemRow> rows =
          fixture.items("t", run).stream()
              .filter(row -> row.key().task().equals("choice"))
              .toList();
      try (Tokenizer tokenizer = Tokenizers.open(folder.resolve("model"))) {
        for (int i = 0; i < rows.size(); i++) {
          double[] expected = expected(tokenizer, i, model);
          assertThat(metric(rows.get(i), "kl_divergence"))
              .as("%s, item %s", run, i)
              .isPositive()
              .isCloseTo(expected[0], withPercentage(0.1));
          assertThat(metric(rows.get(i), "top1_agreement")).isEqualTo(expected[1]);
        }
      }
    }
    assertThat(result("choice", "top1_agreement").value()).isBetween(0.001, 0.999);
  }

  @Test
  void resultsAreMeansOverItems() throws Exception {
    storeBase();
    fixture.run(FAR, "t", "run-id", "r", "base", "base");
    double[] values =
        fixture.items("t", "r").stream()
            .filter(row -> row.key().task().equals("word"))
            .mapToDouble(row -> metric(row, "kl_divergence"))
            .toArray();
    double mean = Arrays.stream(values).sum() / 40;
    double squares = Arrays.stream(values).map(x -> (x - mean) * (x - mean)).sum();
    EvalResultRow result = result("word", "kl_divergence");
    assertThat(result.items()).isEqualTo(40);
    assertThat(result.value()).isCloseTo(mean, within(1e-12));
    assertThat(result.spread().standardError().orElseThrow())
        .isCloseTo(Math.sqrt(squares / 39 / 40), within(1e-12));
    assertThat(result.spread().bootstrapSeed()).isEmpty();
  }

  @Test
  void filesAreSafetensorsOfTheSizeThatThePlanSays() throws Exception {
    JobRun run = fixture.run("t", "run-id", "base", "store-logits", "true", "max-length", "512");
    long bytes = 0;
    for (Path file : logits("t")) {
      bytes += Files.size(file);
    }
    assertThat(run.out()).contains("logits: " + Texts.bytes(bytes) + " in 86 files");
    EvalItemRow row = fixture.items("t", "base").get(0);
    Path file = folder.resolve("t/logits").resolve(row.key().id() + ".safetensors");
    ByteBuffer tokens = tensor(file, "tokens");
    ByteBuffer rows = tensor(file, "log_softmax");
    JsonNode record = choice(0);
    try (Tokenizer tokenizer = Tokenizers.open(folder.resolve("model"))) {
      String context = record.path("q").asText();
      for (JsonNode choice : record.path("c")) {
        int[] ids = tokenizer.encodeWithSpecialTokens(context + " " + choice.asText());
        for (int i = tokenizer.encodeWithSpecialTokens(context).length; i < ids.length; i++) {
          assertThat(tokens.getInt()).isEqualTo(ids[i]);
          assertCloseTo(rows, logSoftmax(BASE, ids[i - 2], ids[i - 1]));
        }
      }
    }
    assertThat(tokens.hasRemaining()).isFalse();
    assertThat(rows.hasRemaining()).isFalse();
  }

  private static void assertCloseTo(ByteBuffer row, double[] expected) {
    for (double value : expected) {
      assertThat((double) row.getFloat()).isCloseTo(value, within(1e-6));
    }
  }

  private static ByteBuffer tensor(Path file, String name) throws IOException {
    try (FileSource source = FileSource.open(file)) {
      for (TensorEntry entry : SafetensorsHeader.read(source).entries()) {
        if (entry.name().equals(name)) {
          byte[] bytes = new byte[(int) entry.bytes()];
          source.readFully(entry.begin(), bytes, 0, bytes.length);
          return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        }
      }
    }
    throw new IllegalArgumentException("no " + name);
  }

  @Test
  void aRunThatGoesOnLosesNoLogits() throws Exception {
    String[] small = {
      "run-id", "r", "partitions", "20", "batch-tokens", "256", "store-logits", "true"
    };
    FakeModels.CALLS_LEFT.set(12);
    assertThatThrownBy(() -> fixture.run("t", small)).hasMessageContaining("the fake went away");
    int stored = fixture.items("t", "r").size();
    assertThat(stored).isPositive().isLessThan(86);
    FakeModels.reset();
    Files.delete(logits("t").get(0));
    fixture.run("t", small);
    FakeModels.reset();
    fixture.run("fresh", "run-id", "r", "store-logits", "true", "partitions", "1");
    List<Path> expected = logits("fresh");
    assertThat(logits("t")).hasSize(86).hasSameSizeAs(expected);
    for (int i = 0; i < 86; i++) {
      assertThat(logits("t").get(i)).hasSameBinaryContentAs(expected.get(i));
    }
    assertThat(fixture.items("t", "r")).hasSize(86);
  }

  @Test
  void logitsOfWhatIsStoredWithoutThemAreComputed() throws Exception {
    fixture.run("t", "run-id", "r");
    fixture.run("t", "run-id", "r", "store-logits", "true");
    assertThat(logits("t")).hasSize(86);
    assertThat(fixture.items("t", "r")).hasSize(86);
    long scored = FakeModels.SCORED.get();
    fixture.run("t", "run-id", "again", "store-logits", "true");
    assertThat(FakeModels.SCORED.get()).isEqualTo(scored);
  }

  @Test
  void divergencesAreTheSameForAnyPartitionsAndTakenOver() throws Exception {
    storeBase();
    fixture.run(FAR, "t", "run-id", "one", "base", "base", "partitions", "1");
    fixture.run(FAR, "t", "run-id", "again", "base", "base");
    fixture.run("fresh", "run-id", "base", "store-logits", "true", "batch-tokens", "256");
    fixture.run(FAR, "fresh", "run-id", "r", "base", "base", "partitions", "7");
    List<EvalItemRow.Scores> expected = scores("t", "one");
    assertThat(scores("t", "again")).isEqualTo(expected);
    assertThat(scores("fresh", "r")).isEqualTo(expected);
    assertThat(fixture.items("t", "again").get(0).origin().run()).isEqualTo("one");
  }

  private List<EvalItemRow.Scores> scores(String tables, String run) throws IOException {
    return fixture.items(tables, run).stream().map(EvalItemRow::scores).toList();
  }

  @Test
  void aBaseWithoutWhatIsNeededIsRefused() throws Exception {
    fixture.run("t", "run-id", "bare");
    fixture.run("u", "run-id", "base", "limit", "3", "store-logits", "true");
    FakeModels.reset();
    assertThatThrownBy(() -> fixture.run("t", "base", "bare"))
        .hasMessageContaining("--base bare, task choice, item 0: run bare has no stored logits")
        .hasMessageContaining("--store-logits");
    assertThatThrownBy(() -> fixture.run("t", "base", "nobody"))
        .hasMessageContaining("has no items of that run");
    assertThatThrownBy(() -> fixture.run("u", "base", "base", "limit", "4"))
        .hasMessageContaining("task choice, item 3: run base has not evaluated it");
    assertThatThrownBy(() -> fixture.run("u", "base", "base", "limit", "3", "max-length", "16"))
        .hasMessageContaining("run base got other tokens");
    FakeModels larger = new FakeModels(VOCABULARY + 64, 512);
    assertThatThrownBy(() -> fixture.run(larger, "u", "base", "base", "limit", "3"))
        .hasMessageContaining("the base has a vocabulary of 1536, this model of 1600");
    assertThat(FakeModels.OPENED.get()).isZero();
  }
}
