package org.sparkao.datasets.task;

import com.fasterxml.jackson.annotation.JsonFormat;
import com.fasterxml.jackson.annotation.JsonFormat.Feature;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A task as its YAML file says it; {@link DefinitionChecks} refuses what cannot be evaluated.
 * Templates: {@link Template}.
 *
 * @param task name
 * @param version changes whenever prompts or scores do; stored results of another are not used
 * @param kind what is asked
 * @param sources files of the data folder; the first that exists is read
 * @param description a template that stands before all examples; none if absent
 * @param text the context; none for perplexity
 * @param contexts of multiple choice whose choices stand in the context: as choices, in place of
 *     text and choices
 * @param continuation what follows each of the contexts
 * @param choices of multiple choice: one template a choice, or one that names a list
 * @param labels names of the choices among which the target is looked up (A, B, C, D): one template
 *     that names a list, or one a choice; none if the target is an index or a choice itself
 * @param target of multiple choice: the right index, label or choice; else the scored or right text
 * @param targetDelimiter stands between context and continuation; a space if absent
 * @param counted of perplexity: the text whose words and bytes count; the target if absent
 * @param chunkTokens of perplexity: cut the text's tokens into chunks of this many, drop the tail
 *     and score each from its second token on; windows of the model's context that roll over the
 *     whole text if absent
 * @param generation how a text is generated
 * @param filters what takes the answer out of a generated text; the text itself if absent
 * @param exactMatch what does not count when it is compared
 * @param group a template: the part of the task that an item belongs to; none if absent
 * @param categories names of categories, and the groups that each is made of
 * @param fewshot where examples come from
 * @param metrics the scores
 */
record TaskDefinition(
    String task,
    String version,
    TaskKind kind,
    List<Source> sources,
    String description,
    String text,
    @JsonFormat(with = Feature.ACCEPT_SINGLE_VALUE_AS_ARRAY) List<String> contexts,
    String continuation,
    @JsonFormat(with = Feature.ACCEPT_SINGLE_VALUE_AS_ARRAY) List<String> choices,
    @JsonFormat(with = Feature.ACCEPT_SINGLE_VALUE_AS_ARRAY) List<String> labels,
    String target,
    String targetDelimiter,
    String counted,
    Integer chunkTokens,
    Stop generation,
    List<ResponseFilter> filters,
    ExactMatch exactMatch,
    String group,
    Map<String, List<String>> categories,
    Fewshot fewshot,
    List<Metric> metrics) {

  /**
   * A file of data.
   *
   * @param file name relative to the data folder, with {@code *} in its last part for all that fit,
   *     in the order of their names; {@code .gz} and {@code .bz2} are unpacked, {@code .parquet} is
   *     read by rows; {@code bundled:/NAME} is a resource of this module
   * @param format one of {@link DocumentFormats}; {@code jsonl} if absent
   * @param answers a file with one line an item, which becomes the field {@code label}; or none
   * @param steps of {@link DocumentSteps}, in order; or none
   */
  record Source(String file, String format, String answers, List<String> steps) {
    Source {
      format = format == null ? "jsonl" : format;
      steps = steps == null ? List.of() : List.copyOf(steps);
    }

    boolean isParquet() {
      return file.endsWith(".parquet");
    }
  }

  /**
   * How a text is generated.
   *
   * @param until stop strings
   * @param maxTokens at most so many; {@link Generation#DEFAULT_MAX_TOKENS} if absent
   */
  record Stop(List<String> until, Integer maxTokens) {
    Stop {
      until = until == null ? List.of() : List.copyOf(until);
      maxTokens = maxTokens == null ? Generation.DEFAULT_MAX_TOKENS : maxTokens;
    }
  }

  /** Which examples are taken. */
  enum Sampler {
    /** Those that Python's generator draws from seed 1234. */
    @JsonProperty("random")
    RANDOM,
    /** The first of the source. */
    @JsonProperty("first")
    FIRST
  }

  /**
   * Where examples come from, and what stands between them.
   *
   * @param count how many there are if nothing else is asked for; none if absent
   * @param sources files of the data folder; those of the task itself if absent
   * @param sampler which are taken; random if absent
   * @param delimiter stands after each; an empty line if absent
   * @param withoutItem whether the item itself is left out where it is drawn
   */
  record Fewshot(
      Integer count, List<Source> sources, Sampler sampler, String delimiter, boolean withoutItem) {
    Fewshot {
      count = count == null ? 0 : count;
      sources = sources == null ? List.of() : List.copyOf(sources);
      sampler = sampler == null ? Sampler.RANDOM : sampler;
      delimiter = delimiter == null ? "\n\n" : delimiter;
    }
  }

  TaskDefinition {
    sources = sources == null ? List.of() : List.copyOf(sources);
    contexts = contexts == null ? List.of() : List.copyOf(contexts);
    choices = choices == null ? List.of() : List.copyOf(choices);
    labels = labels == null ? List.of() : List.copyOf(labels);
    filters = filters == null ? List.of() : List.copyOf(filters);
    exactMatch = exactMatch == null ? ExactMatch.strict() : exactMatch;
    categories = categories == null ? new TreeMap<>() : new TreeMap<>(categories);
    fewshot = fewshot == null ? new Fewshot(null, null, null, null, true) : fewshot;
    metrics = metrics == null ? List.of() : List.copyOf(metrics);
    targetDelimiter = targetDelimiter == null ? " " : targetDelimiter;
    counted = counted == null ? target : counted;
  }
}
