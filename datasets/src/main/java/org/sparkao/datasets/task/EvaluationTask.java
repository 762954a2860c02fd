package org.sparkao.datasets.task;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.UnaryOperator;

/** A task: makes items of data files and says how they are scored. Immutable. */
public final class EvaluationTask {
  private final TaskDefinition definition;
  private final ItemMaker maker;

  EvaluationTask(TaskDefinition definition, String origin) {
    this.definition = definition.checked(origin);
    this.maker = new ItemMaker(definition, origin);
  }

  /** Its name. */
  public String name() {
    return definition.task();
  }

  /** Changes whenever prompts or scores do. */
  public String version() {
    return definition.version();
  }

  /** What is asked of the model. */
  public TaskKind kind() {
    return definition.kind();
  }

  /** The scores, the first one first. */
  public List<Metric> metrics() {
    return definition.metrics();
  }

  /**
   * Of perplexity: the length of the chunks that a text's tokens are cut into, each scored from its
   * second token on, the tail dropped. Empty: windows of the model's context roll over the text.
   */
  public OptionalInt chunkTokens() {
    Integer tokens = definition.chunkTokens();
    return tokens == null ? OptionalInt.empty() : OptionalInt.of(tokens);
  }

  /**
   * The items of a data set, in the order of the file.
   *
   * @param data the folder that the task's files are in
   * @throws TaskException if none of the files is there, or a line of one is malformed
   */
  public List<EvaluationItem> items(Path data) {
    TaskDefinition.Source source =
        definition.sources().stream()
            .filter(candidate -> Files.exists(data.resolve(candidate.file())))
            .findFirst()
            .orElseThrow(() -> TaskErrors.noData(name(), data, files()));
    List<EvaluationItem> items = new ArrayList<>();
    for (Document document : documents(source, data)) {
      Document prepared = document;
      for (String step : source.steps()) {
        UnaryOperator<Document> change = DocumentSteps.named(step, name());
        prepared = change.apply(prepared);
      }
      items.add(maker.item(items.size(), document, prepared));
    }
    return List.copyOf(items);
  }

  private List<Document> documents(TaskDefinition.Source source, Path data) {
    Path file = data.resolve(source.file());
    if (source.file().endsWith(".parquet")) {
      throw TaskErrors.parquet(name(), file);
    }
    List<Document> documents =
        DocumentFormats.named(source.format(), name()).documents(file, DataFile.lines(file));
    if (documents.isEmpty()) {
      throw TaskErrors.noItems(name(), file);
    }
    return source.answers() == null
        ? documents
        : answered(documents, file, data.resolve(source.answers()));
  }

  private static List<Document> answered(List<Document> documents, Path file, Path answers) {
    List<String> lines = DataFile.lines(answers);
    if (lines.size() != documents.size()) {
      throw TaskErrors.line(
          answers,
          lines.size(),
          "is the last one, but " + file + " has " + documents.size() + " items; one line an item");
    }
    List<Document> answered = new ArrayList<>();
    for (int i = 0; i < lines.size(); i++) {
      answered.add(documents.get(i).with("label", PythonText.strip(lines.get(i))));
    }
    return answered;
  }

  private List<String> files() {
    String[] files =
        definition.sources().stream().map(TaskDefinition.Source::file).toArray(String[]::new);
    return Arrays.asList(files);
  }
}
