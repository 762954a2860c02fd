package org.sparkao.jobs.describe;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.sparkao.jobs.job.TextTable;
import org.sparkao.jobs.job.Texts;
import org.sparkao.jobs.page.Card;
import org.sparkao.jobs.page.HtmlPage;
import org.sparkao.jobs.table.RunRow;

/** A run of {@code generate} for a terminal, and as a page. */
final class GenerationReport {
  private static final ObjectMapper JSON = new ObjectMapper();

  private GenerationReport() {}

  /** The lines. */
  static List<String> lines(RunRow run) {
    TextTable facts = TextTable.of(TextTable.text("run"), TextTable.text(run.runId()));
    facts(run).forEach(facts::row);
    return facts.lines();
  }

  /** The page. */
  static String page(RunRow run) {
    return new HtmlPage("generation.ftlh")
        .put("run", run.runId())
        .put("subtitle", "Samples of " + run.input().source())
        .put("cards", cards(run))
        .put("provenance", facts(run))
        .put("unfinished", run.status() != RunRow.Status.DONE)
        .put("status", status(run))
        .render();
  }

  private static List<Card> cards(RunRow run) {
    return List.of(
        new Card("Samples", said(run, "samples"), "of at most " + said(run, "sequence-length")),
        new Card("Size", Texts.bytes(run.input().outputBytes()), files(run) + " of Parquet"),
        new Card("Time", RunFacts.duration(run), "from the first start to the end"));
  }

  private static Map<String, String> facts(RunRow run) {
    Map<String, String> facts = new LinkedHashMap<>();
    facts.put("Job", run.job());
    facts.put("Status", status(run));
    facts.put("Checkpoint", run.input().source());
    facts.put("Output", run.input().output());
    facts.put("Numerics", run.input().scheme());
    facts.put("Samples", said(run, "samples"));
    facts.put("Tokens of a sample", said(run, "sequence-length"));
    facts.put("Prompts", said(run, "prompts"));
    facts.put("Seed", said(run, "seed"));
    facts.put(
        "Sampling",
        "temperature %s, top-k %s, top-p %s, %s greedy tokens"
            .formatted(
                said(run, "temperature"),
                said(run, "top-k"),
                said(run, "top-p"),
                said(run, "greedy-tokens")));
    facts.put("Written", files(run) + ", " + Texts.bytes(run.input().outputBytes()));
    facts.put("Started (UTC)", Texts.time(run.startedAt()));
    facts.put("Ended (UTC)", run.endedAt().map(Texts::time).orElse("-"));
    facts.put("Duration", RunFacts.duration(run));
    facts.put("Fingerprint", run.fingerprint());
    facts.put("Version", run.codeVersion());
    facts.put("Spark application", run.applicationId());
    facts.put("Arguments", run.arguments());
    facts.put("Configuration", run.config());
    return facts;
  }

  private static String status(RunRow run) {
    return run.status().name().toLowerCase(Locale.ROOT);
  }

  private static String files(RunRow run) {
    return Texts.count(run.input().shards()) + " files";
  }

  /** A key of the effective configuration; a dash where it was not given. */
  private static String said(RunRow run, String key) {
    try {
      Map<String, List<String>> config =
          JSON.readValue(run.config(), new TypeReference<Map<String, List<String>>>() {});
      return String.join(", ", config.getOrDefault(key, List.of("-")));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("runs holds JSON", e);
    }
  }
}
