package org.sparkao.datasets.task;

import java.util.List;

/** Refuses task definitions that cannot be evaluated; messages name the file and the key. */
final class DefinitionChecks {
  private final TaskDefinition task;
  private final String origin;

  private DefinitionChecks(TaskDefinition task, String origin) {
    this.task = task;
    this.origin = origin;
  }

  /**
   * The definition, if it can be evaluated.
   *
   * @param origin the file, for the error
   */
  static TaskDefinition checked(TaskDefinition task, String origin) {
    DefinitionChecks checks = new DefinitionChecks(task, origin);
    checks.always();
    checks.choices();
    checks.generation();
    checks.sources(task.sources());
    checks.sources(task.fewshot().sources());
    return task;
  }

  private void always() {
    require(task.task() != null && !task.task().isBlank(), "task (its name) is missing");
    require(task.version() != null && !task.version().isBlank(), "version is missing");
    require(
        task.kind() != null,
        "kind is missing: multiple-choice, last-word, perplexity or generation");
    require(!task.sources().isEmpty(), "sources is empty; name a file of the data folder");
    require(task.target() != null, "target is missing");
    require(!task.metrics().isEmpty(), "metrics is empty");
    boolean perplexity = task.kind() == TaskKind.PERPLEXITY;
    boolean context = task.text() != null || !task.contexts().isEmpty();
    require(perplexity != context, "text belongs to every kind but perplexity");
    require(
        task.chunkTokens() == null || perplexity && task.chunkTokens() >= 2,
        "chunkTokens belongs to perplexity and is 2 at least");
    require(task.fewshot().count() >= 0, "fewshot.count is negative");
    require(
        task.categories().isEmpty() || task.group() != null,
        "categories are made of groups; say with group which one an item belongs to");
    for (Metric metric : task.metrics()) {
      require(metric.fits(task.kind()), metric.metricName() + " does not measure this kind");
    }
  }

  private void choices() {
    boolean choice = task.kind() == TaskKind.MULTIPLE_CHOICE;
    boolean contexts = !task.contexts().isEmpty();
    require(
        choice == (contexts || !task.choices().isEmpty()),
        "choices belong to multiple-choice, and there");
    require(choice || task.labels().isEmpty(), "labels belong to multiple-choice");
    require(
        contexts == (task.continuation() != null),
        "contexts and continuation belong together: each context is followed by the continuation");
    require(
        !contexts || task.choices().isEmpty() && task.text() == null,
        "contexts stand in place of text and choices");
  }

  private void generation() {
    boolean generates = task.kind() == TaskKind.GENERATION;
    require(
        generates == (task.generation() != null),
        "generation (until, maxTokens) belongs to the kind generation, and there");
    require(generates || task.filters().isEmpty(), "filters belong to the kind generation");
    if (generates) {
      require(
          task.generation().maxTokens() >= 1 && !task.generation().until().contains(""),
          "generation needs maxTokens of 1 at least and no empty string in until");
    }
    for (ResponseFilter filter : task.filters()) {
      require(filter.name() != null && !filter.name().isBlank(), "a filter has no name");
      require(filter.regex() != null, "filter " + filter.name() + " has no regex");
      PythonPattern.check(filter.regex(), "filter " + filter.name(), origin);
    }
    task.exactMatch()
        .ignored()
        .forEach(regex -> PythonPattern.check(regex, "exactMatch.ignore", origin));
  }

  private void sources(List<TaskDefinition.Source> sources) {
    for (TaskDefinition.Source source : sources) {
      require(source.file() != null, "a source has no file");
      DocumentFormats.named(source.format(), origin);
      require(
          !source.isParquet() || source.format().equals("jsonl"),
          "source " + source.file() + ": rows of Parquet are read as jsonl; leave format out");
      source.steps().forEach(step -> DocumentSteps.named(step, origin));
    }
  }

  private void require(boolean condition, String problem) {
    if (!condition) {
      throw TaskErrors.definition(origin, problem);
    }
  }
}
