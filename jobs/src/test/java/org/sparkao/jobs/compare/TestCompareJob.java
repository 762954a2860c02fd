package org.sparkao.jobs.compare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.jsoup.Jsoup;
import org.jsoup.nodes.Document;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.jobs.config.CommonKeys;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.config.ConfigKey;
import org.sparkao.jobs.config.ConfigLayer;
import org.sparkao.jobs.job.Console;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.table.AskedItem;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.EvalItemRow;

class TestCompareJob {
  @TempDir private Path folder;

  private static EvalItemRow row(String run, int index, double right, double nats) {
    return new EvalItemRow(
        run,
        new EvalItemRow.Key("k" + index, "c-" + run, "quiz", "1", "p" + index, "fp32", "cpu"),
        new EvalItemRow.Item(
            index,
            "h" + index,
            List.of("r"),
            new AskedItem(
                Optional.of("Question " + index),
                List.of(),
                OptionalLong.empty(),
                Optional.of("word")),
            OptionalLong.of(10),
            OptionalLong.of(50)),
        new EvalItemRow.Outcome(
            List.of(-nats), List.of(1L), List.of(3L), List.of(4L), 0, Optional.empty()),
        new EvalItemRow.Scores(
            OptionalLong.of((long) right),
            List.of(
                new EvalItemRow.Value("acc", right),
                new EvalItemRow.Value("word_perplexity", Math.exp(nats / 10)))),
        new EvalItemRow.Origin(run, "driver", 0, 1, Instant.EPOCH));
  }

  /** 30 items in both; of 12 that change, 10 get lost; B has one item more. */
  private DeltaStore store() throws Exception {
    DeltaStore store = new DeltaStore(Storage.ofAssignments(List.of()), folder.toString());
    List<List<Object>> a = new ArrayList<>();
    List<List<Object>> b = new ArrayList<>();
    for (int i = 0; i < 30; i++) {
      a.add(row("a", i, i < 20 ? 1 : 0, 20).toRow(1));
      b.add(row("b", i, i >= 10 && i < 22 ? 1 : 0, 21).toRow(1));
    }
    b.add(row("b", 30, 1, 5).toRow(1));
    store.append(EvalItemRow.TABLE, a, "a", 1);
    store.append(EvalItemRow.TABLE, b, "b", 1);
    return store;
  }

  private static Comparison compare(DeltaStore store) throws Exception {
    return Comparison.of(
        store.read(EvalItemRow.TABLE, "a").stream().map(EvalItemRow::of).toList(),
        store.read(EvalItemRow.TABLE, "b").stream().map(EvalItemRow::of).toList());
  }

  @Test
  void pairsItemsAndCountsFlips() throws Exception {
    Comparison comparison = compare(store());
    Comparison.Line accuracy = comparison.lines().get(0);
    assertThat(accuracy.metric()).isEqualTo("acc");
    assertThat(accuracy.flips()).contains(new McNemar(10, 2));
    assertThat(accuracy.bootstrap().difference()).isCloseTo(-8 / 30.0, within(1e-12));
    assertThat(accuracy.items().onlyB()).isEqualTo(1);
    // Differences of items are -1 (10), +1 (2) and 0 (18): the deviation of their mean.
    double variance = (12 - 64 / 30.0) / 30 / 30;
    assertThat(accuracy.bootstrap().standardError())
        .isCloseTo(Math.sqrt(variance), within(0.05 * Math.sqrt(variance)));
    assertThat(accuracy.bootstrap().low()).isBetween(-0.5, -0.3);
    assertThat(accuracy.bootstrap().high()).isBetween(-0.2, 0.0);
  }

  @Test
  void perplexitiesArePairedToo() throws Exception {
    Comparison.Line perplexity = compare(store()).lines().get(1);
    assertThat(perplexity.bootstrap().a()).isCloseTo(Math.exp(2.0), within(1e-12));
    assertThat(perplexity.bootstrap().b()).isCloseTo(Math.exp(2.1), within(1e-12));
    assertThat(perplexity.bootstrap().low()).isCloseTo(perplexity.bootstrap().high(), within(1e-9));
    assertThat(perplexity.flips()).isEmpty();
  }

  @Test
  void printsWhatDiffersAndWhatIsNotPaired() throws Exception {
    store();
    CompareJob job = new CompareJob();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    PrintStream printer = new PrintStream(out, true, StandardCharsets.UTF_8);
    Console console = new Console(printer, printer, Console.Terminal.PLAIN);
    assertThat(job.run(config(job, "a", "b"), console)).isEqualTo(ExitCode.DONE);
    assertThat(out.toString(StandardCharsets.UTF_8))
        .contains("quiz  acc")
        .contains("0.03857 (exact)")
        .contains("quiz: 1 items only in B");
    assertThatThrownBy(() -> job.run(config(job, "a", "c"), console))
        .hasMessageContaining("has no items of run c");
    assertThatThrownBy(() -> job.run(config(job, "a"), console))
        .hasMessageContaining("name two runs");
  }

  /** The word perplexity grows by exp(0.1) - 1 = 10.52 %, without any scatter. */
  @Test
  void writesThePage() throws Exception {
    store();
    Path html = folder.resolve("page.html");
    CompareJob job = new CompareJob();
    PrintStream nowhere =
        new PrintStream(new ByteArrayOutputStream(), true, StandardCharsets.UTF_8);
    assertThat(
            job.run(
                config(job, Map.of("html", List.of(html.toString())), "a", "b"),
                new Console(nowhere, nowhere, Console.Terminal.PLAIN)))
        .isEqualTo(ExitCode.DONE);
    Document page = Jsoup.parse(Files.readString(html));
    assertThat(page.select("h1").text()).isEqualTo("b against a");
    assertThat(page.select("#runs tbody tr").eachText())
        .containsExactly("A a - c-a fp32 cpu", "B b - c-b fp32 cpu");
    assertThat(page.select("#differences tbody tr").eachText())
        .satisfiesExactly(
            line -> assertThat(line).startsWith("quiz acc 0.6667 0.4000 -0.2667 "),
            line ->
                assertThat(line)
                    .isEqualTo(
                        "quiz word_perplexity 7.3891 8.1662 +0.7771 +0.7771 to +0.7771 30 - - -"));
    assertThat(page.select("#differences .note").text()).isEqualTo("quiz: 1 items only in B");
    assertThat(page.select("#differences svg").eachAttr("aria-label"))
        .containsExactly(
            "Differences, 95 % intervals, points of percent, B - A",
            "Differences, 95 % intervals, percent of A's value, B - A");
    assertThat(page.select("#paired svg")).hasSize(1);
    assertThat(page.select("#changed tbody tr")).hasSize(20);
    assertThat(page.select("#changed tbody tr").first().text())
        .isEqualTo("quiz 0 -5.000 -5.250 -0.250 yes no Question 0 word - - h0");
    assertThat(page.select("[id]").eachAttr("id")).doesNotHaveDuplicates();
    assertThat(page.select("script, link, img, [src], a[href]")).isEmpty();
  }

  private Config config(CompareJob job, String... runs) {
    return config(job, Map.of(), runs);
  }

  private Config config(CompareJob job, Map<String, List<String>> options, String... runs) {
    List<ConfigKey<?>> keys = new ArrayList<>(job.keys());
    keys.addAll(CommonKeys.all());
    Map<String, List<String>> values = new HashMap<>(options);
    values.put("run", List.of(runs));
    values.put("tables", List.of(folder.toString()));
    return Config.resolve(keys, List.of(new ConfigLayer("test", values)));
  }
}
