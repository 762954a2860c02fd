package org.sparkao.jobs.describe;

import freemarker.core.HTMLOutputFormat;
import freemarker.template.Configuration;
import freemarker.template.TemplateException;
import freemarker.template.TemplateExceptionHandler;
import freemarker.template.TemplateModelException;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.sparkao.jobs.describe.RunDescription.Copied;
import org.sparkao.jobs.describe.RunDescription.ModuleType;
import org.sparkao.jobs.job.Texts;
import org.sparkao.jobs.table.RunRow;

/**
 * A run as one page of HTML that needs nothing else: no script, no link, no font. Every value is
 * escaped by the template.
 */
public final class HtmlReport {
  private static final int WORST = 20;
  private static final int EXAMPLES = 4;
  private static final String TEMPLATE = "report.ftlh";
  private static final Configuration TEMPLATES = templates();

  private HtmlReport() {}

  private static Configuration templates() {
    Configuration templates = new Configuration(Configuration.VERSION_2_3_34);
    templates.setClassForTemplateLoading(HtmlReport.class, "");
    templates.setDefaultEncoding(StandardCharsets.UTF_8.name());
    templates.setLocale(Locale.ROOT);
    templates.setTemplateExceptionHandler(TemplateExceptionHandler.RETHROW_HANDLER);
    templates.setLogTemplateExceptions(false);
    return templates;
  }

  /** The page. */
  public static String render(RunDescription run) {
    StringWriter page = new StringWriter();
    try {
      TEMPLATES.getTemplate(TEMPLATE).process(model(run), page);
    } catch (TemplateException e) {
      throw new IllegalStateException(TEMPLATE + ": " + e.getMessage(), e);
    } catch (IOException e) {
      throw new UncheckedIOException(TEMPLATE + " is part of this program", e);
    }
    return page.toString();
  }

  private static Map<String, Object> model(RunDescription run) throws TemplateModelException {
    Map<String, Object> model = new LinkedHashMap<>();
    model.put("run", run.run().runId());
    model.put("subtitle", run.run().input().source() + " as " + run.run().input().scheme());
    model.put("cards", RunFacts.cards(run));
    putPicture(model, "sizes", Charts.sizes(run));
    putPicture(model, "noise", Charts.noise(NoiseMap.of(run)));
    model.put("types", run.moduleTypes().stream().map(HtmlReport::type).toList());
    model.put("worst", run.worst(WORST).stream().map(HtmlReport::tensor).toList());
    model.put("quantizedCount", run.quantized().size());
    model.put("copied", run.copied(EXAMPLES).stream().map(HtmlReport::copied).toList());
    model.put("provenance", RunFacts.provenance(run));
    model.put("unfinished", run.run().status() != RunRow.Status.DONE);
    model.put("status", run.run().status().name().toLowerCase(Locale.ROOT));
    return model;
  }

  private static void putPicture(Map<String, Object> model, String name, Optional<String> svg)
      throws TemplateModelException {
    if (svg.isPresent()) {
      model.put(name, HTMLOutputFormat.INSTANCE.fromMarkup(svg.get()));
    }
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
