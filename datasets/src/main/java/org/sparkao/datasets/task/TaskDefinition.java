package org.sparkao.datasets.task;

import com.fasterxml.jackson.annotation.JsonFormat;
import com.fasterxml.jackson.annotation.JsonFormat.Feature;
import java.util.List;

/**
 * A task as its YAML file says it. Templates: {@link Template}.
 *
 * @param task name
 * @param version changes whenever prompts or scores do; stored results of another are not used
 * @param kind what is asked
 * @param sources files of the data folder; the first that exists is read
 * @param text the context; none for perplexity
 * @param choices of multiple choice: one template a choice, or one that names a list
 * @param labels names of the choices among which the target is looked up (A, B, C, D), one template
 *     that names a list; none if the target is an index or a choice itself
 * @param target of multiple choice: the right index, label or choice; else the scored text
 * @param targetDelimiter stands between context and continuation; a space if absent
 * @param counted of perplexity: the text whose words and bytes count; the target if absent
 * @param chunkTokens of perplexity: cut the text's tokens into chunks of this many, drop the tail
 *     and score each from its second token on; windows of the model's context that roll over the
 *     whole text if absent
 * @param metrics the scores
 */
record TaskDefinition(
    String task,
    String version,
    TaskKind kind,
    List<Source> sources,
    String text,
    @JsonFormat(with = Feature.ACCEPT_SINGLE_VALUE_AS_ARRAY) List<String> choices,
    String labels,
    String target,
    String targetDelimiter,
    String counted,
    Integer chunkTokens,
    List<Metric> metrics) {

  /**
   * A file of data.
   *
   * @param file name relative to the data folder; {@code .gz} and {@code .bz2} are unpacked
   * @param format one of {@link DocumentFormats}
   * @param answers a file with one line an item, which becomes the field {@code label}; or none
   * @param steps of {@link DocumentSteps}, in order; or none
   */
  record Source(String file, String format, String answers, List<String> steps) {
    Source {
      steps = steps == null ? List.of() : List.copyOf(steps);
    }
  }

  TaskDefinition {
    sources = sources == null ? List.of() : List.copyOf(sources);
    choices = choices == null ? List.of() : List.copyOf(choices);
    metrics = metrics == null ? List.of() : List.copyOf(metrics);
    targetDelimiter = targetDelimiter == null ? " " : targetDelimiter;
    counted = counted == null ? target : counted;
  }

  /** Refuses what cannot be evaluated. */
  TaskDefinition checked(String origin) {
    require(task != null && !task.isBlank(), origin, "task (its name) is missing");
    require(version != null && !version.isBlank(), origin, "version is missing");
    require(kind != null, origin, "kind is missing: multiple-choice, last-word or perplexity");
    require(!sources.isEmpty(), origin, "sources is empty");
    require(target != null, origin, "target is missing");
    require(!metrics.isEmpty(), origin, "metrics is empty");
    boolean choice = kind == TaskKind.MULTIPLE_CHOICE;
    require(choice == !choices.isEmpty(), origin, "choices belong to multiple-choice, and there");
    require(choice || labels == null, origin, "labels belong to multiple-choice");
    boolean perplexity = kind == TaskKind.PERPLEXITY;
    require(perplexity == (text == null), origin, "text belongs to every kind but perplexity");
    require(
        chunkTokens == null || perplexity && chunkTokens >= 2,
        origin,
        "chunkTokens belongs to perplexity and is 2 at least");
    for (Metric metric : metrics) {
      require(metric.fits(kind), origin, metric.metricName() + " does not measure this kind");
    }
    for (Source source : sources) {
      require(source.file() != null, origin, "a source has no file");
      DocumentFormats.named(source.format(), origin);
      source.steps().forEach(step -> DocumentSteps.named(step, origin));
    }
    return this;
  }

  private static void require(boolean condition, String origin, String problem) {
    if (!condition) {
      throw TaskErrors.definition(origin, problem);
    }
  }
}
