package org.sparkao.jobs.describe;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.sparkao.jobs.describe.RunDescription.Copied;
import org.sparkao.jobs.describe.RunDescription.ModuleType;
import org.sparkao.jobs.job.Texts;
import org.sparkao.jobs.page.HtmlPage;
import org.sparkao.jobs.table.RunRow;

/** A run of {@code quantize} as one page of HTML that needs nothing else. */
public final class HtmlReport {
  private static final int WORST = 20;
  private static final int EXAMPLES = 4;

  private HtmlReport() {}

  /** The page. */
  public static String render(RunDescription run) {
    HtmlPage page =
        new HtmlPage("run.ftlh")
            .put("run", run.run().runId())
            .put("subtitle", run.run().input().source() + " as " + run.run().input().scheme())
            .put("cards", RunFacts.cards(run))
            .put("types", run.moduleTypes().stream().map(HtmlReport::type).toList())
            .put("worst", run.worst(WORST).stream().map(HtmlReport::tensor).toList())
            .put("quantizedCount", run.quantized().size())
            .put("copied", run.copied(EXAMPLES).stream().map(HtmlReport::copied).toList())
            .put("provenance", RunFacts.provenance(run))
            .put("unfinished", run.run().status() != RunRow.Status.DONE)
            .put("status", run.run().status().name().toLowerCase(Locale.ROOT));
    Charts.sizes(run).ifPresent(svg -> page.putPicture("sizes", svg));
    Charts.noise(NoiseMap.of(run)).ifPresent(svg -> page.putPicture("noise", svg));
    return page.render();
  }

  private static List<String> type(ModuleType type) {
    boolean measured = type.sqnrDb().getCount() > 0;
    return List.of(
        type.type(),
        Texts.count(type.tensors()),
        Texts.count(type.quantized()),
        Texts.bytes(type.sourceBytes()),
        Texts.bytes(type.outputBytes()),
        measured ? Texts.decibels(type.sqnrDb().getAverage()) : "-",
        measured ? Texts.decibels(type.sqnrDb().getMin()) : "-");
  }

  private static List<String> tensor(TensorResult tensor) {
    TensorResult.Error error = tensor.error().orElseThrow();
    return List.of(
        tensor.tensor(),
        tensor.treatment().scheme().orElse("-"),
        Texts.decibels(error.sqnrDb()),
        Texts.significant(error.amax()),
        Texts.significant(error.maxError()),
        Texts.significant(error.meanError()),
        Texts.decimals(100 * error.clippedFraction(), 3) + " %");
  }

  private static Map<String, Object> copied(Copied copied) {
    long more = copied.tensors() - copied.examples().size();
    return Map.of(
        "reason", copied.reason(),
        "tensors", Texts.count(copied.tensors()),
        "bytes", Texts.bytes(copied.bytes()),
        "examples", copied.examples(),
        "more", more == 0 ? "" : "and " + Texts.count(more) + " more");
  }
}
