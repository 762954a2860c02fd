package org.sparkao.datasets.task;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A task: makes items of data files and says how they are scored. Immutable. */
public final class EvaluationTask {
  private static final ResponseFilter NO_FILTER = new ResponseFilter("none", null, 0, null);

  private final TaskDefinition definition;
  private final ItemMaker maker;

  EvaluationTask(TaskDefinition definition, String origin) {
    this.definition = DefinitionChecks.checked(definition, origin);
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

  /** The scores as they are reported: each metric, of generation after each filter. */
  public List<TaskScore> scores() {
    List<ResponseFilter> filters =
        definition.filters().isEmpty() ? List.of(NO_FILTER) : definition.filters();
    return filters.stream()
        .flatMap(
            filter ->
                metrics().stream()
                    .map(metric -> new TaskScore(metric, filter, definition.exactMatch())))
        .toList();
  }

  /**
   * Categories in the order of their names, and the groups ({@link EvaluationItem#group}) that each
   * is made of. A category's score is that of all its items, so that larger groups weigh more.
   */
  public Map<String, List<String>> categories() {
    return definition.categories();
  }

  /**
   * The data files that the task may read, relative to the data folder, {@code *} for all shards;
   * none of those that travel with the program.
   */
  public Set<String> files() {
    Set<String> files = new LinkedHashSet<>();
    Stream.of(definition.sources(), definition.fewshot().sources())
        .flatMap(List::stream)
        .flatMap(source -> Stream.of(source.file(), source.answers()))
        .filter(file -> file != null && !DataFile.isBundled(file))
        .forEach(files::add);
    return files;
  }

  /** How many examples stand before each question under some options; none for perplexity. */
  public int fewshot(ItemOptions options) {
    return kind() == TaskKind.PERPLEXITY
        ? 0
        : options.fewshot().orElse(definition.fewshot().count());
  }

  /**
   * The items of a data set as the task asks them, without Parquet.
   *
   * @param data the folder that the task's files are in
   * @throws TaskException if none of the files is there, or a line of one is malformed
   */
  public List<EvaluationItem> items(Path data) {
    return items(DataFolder.of(data), ItemOptions.ofTask());
  }

  /**
   * The items of a data set, in the order of its files. Examples are drawn in that order too, so
   * that an item's depend on how many stand before it.
   *
   * @throws TaskException if none of the files is there, a line of one is malformed, or there are
   *     fewer examples than are asked for
   */
  public List<EvaluationItem> items(DataFolder data, ItemOptions options) {
    TaskData reader = new TaskData(name(), data);
    List<PreparedDocument> documents = reader.read(definition.sources());
    int examples = fewshot(options);
    Map<String, List<PreparedDocument>> pools = Map.of();
    if (examples > 0) {
      List<TaskDefinition.Source> sources = definition.fewshot().sources();
      pools =
          (sources.isEmpty() ? documents : reader.read(sources))
              .stream().collect(Collectors.groupingBy(maker::group));
    }
    Map<String, FewshotSampler> samplers = new HashMap<>();
    List<EvaluationItem> items = new ArrayList<>();
    for (PreparedDocument document : documents) {
      List<PreparedDocument> drawn = List.of();
      if (examples > 0) {
        String group = maker.group(document);
        List<PreparedDocument> pool = pools.getOrDefault(group, List.of());
        drawn =
            drawn(
                samplers.computeIfAbsent(
                    group, key -> new FewshotSampler(definition.fewshot(), pool)),
                examples,
                document);
      }
      items.add(maker.item(items.size(), document, drawn, options));
    }
    return List.copyOf(items);
  }

  private List<PreparedDocument> drawn(
      FewshotSampler sampler, int examples, PreparedDocument document) {
    try {
      return sampler.draw(examples, document);
    } catch (IllegalArgumentException e) {
      throw TaskErrors.fewshot(name(), maker.group(document), e.getMessage());
    }
  }
}
