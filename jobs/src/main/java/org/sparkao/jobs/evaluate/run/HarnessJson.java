package org.sparkao.jobs.evaluate.run;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Map;
import org.sparkao.datasets.task.EvaluationTask;
import org.sparkao.datasets.task.Metric;
import org.sparkao.jobs.evaluate.plan.EvaluatePlan;
import org.sparkao.jobs.job.ProgramVersion;
import org.sparkao.jobs.table.EvalResultRow;

/**
 * Results in the form of lm-evaluation-harness 0.4.13's JSON, for whatever reads that: {@code
 * results}, {@code configs}, {@code versions}, {@code n-shot}, {@code higher_is_better}, {@code
 * n-samples}. Standard errors of perplexities, which the harness leaves out, are there too.
 */
public final class HarnessJson {
  private static final ObjectMapper JSON = new ObjectMapper();

  private HarnessJson() {}

  /**
   * The text of the file.
   *
   * @param checkpoint where the model lies
   * @param fewshot examples before each question, by task
   * @param config effective configuration of the run
   */
  public static String of(
      EvaluatePlan plan,
      List<EvalResultRow> results,
      String checkpoint,
      Map<String, Integer> fewshot,
      Map<String, List<String>> config) {
    ObjectNode root = JSON.createObjectNode();
    ObjectNode values = root.putObject("results");
    ObjectNode configs = root.putObject("configs");
    ObjectNode versions = root.putObject("versions");
    ObjectNode shots = root.putObject("n-shot");
    ObjectNode better = root.putObject("higher_is_better");
    ObjectNode samples = root.putObject("n-samples");
    for (EvaluationTask task : plan.tasks()) {
      putResults(values.putObject(task.name()), task, results);
      ObjectNode about = configs.putObject(task.name());
      about.put("task", task.name());
      putVersion(about.putObject("metadata"), "version", task.version());
      putVersion(versions, task.name(), task.version());
      shots.put(task.name(), fewshot.get(task.name()));
      about.put("num_fewshot", fewshot.get(task.name()));
      ObjectNode direction = better.putObject(task.name());
      for (Metric metric : task.metrics()) {
        direction.put(metric.metricName(), metric.higherIsBetter());
      }
      samples
          .putObject(task.name())
          .put("original", plan.available().get(task.name()))
          .put("effective", plan.itemsByTask().get(task.name()).size());
    }
    root.putObject("config").put("model", "sparkao").put("model_args", checkpoint);
    root.set("sparkao", JSON.valueToTree(config));
    root.put("sparkao_version", ProgramVersion.current());
    root.put("model_name", checkpoint);
    try {
      return JSON.writerWithDefaultPrettyPrinter().writeValueAsString(root) + "\n";
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree of plain values", e);
    }
  }

  private static void putResults(
      ObjectNode values, EvaluationTask task, List<EvalResultRow> results) {
    values.put("alias", task.name());
    for (EvalResultRow row : results) {
      if (row.task().equals(task.name())) {
        values.put(MetricNames.key(row.metric(), ""), row.value());
        String error = MetricNames.key(row.metric(), "_stderr");
        if (row.spread().standardError().isPresent()) {
          values.put(error, row.spread().standardError().getAsDouble());
        } else {
          values.put(error, "N/A");
        }
      }
    }
  }

  /** The harness has numbers. */
  private static void putVersion(ObjectNode node, String name, String version) {
    if (version.matches("\\d+(\\.\\d+)?")) {
      node.put(name, Double.parseDouble(version));
    } else {
      node.put(name, version);
    }
  }
}
