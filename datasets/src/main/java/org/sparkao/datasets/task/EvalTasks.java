package org.sparkao.datasets.task;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The evaluation tasks. To add one: {@code resources/tasks/NAME.yaml} and its name here; a format
 * or a step only where the file cannot say it.
 */
public final class EvalTasks {
  /** The names of the tasks that travel with the program. */
  public static final List<String> NAMES =
      List.of(
          "arc_challenge",
          "arc_easy",
          "gsm8k",
          "hellaswag",
          "lambada",
          "mmlu",
          "piqa",
          "sample",
          "wikitext",
          "wikitext2-2048",
          "winogrande");

  private static final YAMLMapper YAML =
      YAMLMapper.builder().enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY).build();

  private EvalTasks() {}

  /**
   * A task by its name, or by the path of a YAML file of the user's own.
   *
   * @throws TaskException if the task is unknown or its file is not a definition
   */
  public static EvaluationTask named(String name) {
    if (name.endsWith(".yaml") || name.endsWith(".yml")) {
      return of(Path.of(name));
    }
    if (!NAMES.contains(name)) {
      throw TaskErrors.unknownTask(name, NAMES);
    }
    String resource = "/tasks/" + name + ".yaml";
    try (InputStream in = EvalTasks.class.getResourceAsStream(resource)) {
      return read(in, resource);
    } catch (IOException e) {
      throw TaskErrors.unreadable(resource, e);
    }
  }

  /**
   * A task of the user's own.
   *
   * @throws TaskException if the file is not a definition
   */
  public static EvaluationTask of(Path file) {
    try (InputStream in = Files.newInputStream(file)) {
      return read(in, file.toString());
    } catch (IOException e) {
      throw TaskErrors.unreadable("task definition " + file, e);
    }
  }

  private static EvaluationTask read(InputStream in, String origin) throws IOException {
    TaskDefinition definition = YAML.readValue(in, TaskDefinition.class);
    if (definition == null) {
      throw TaskErrors.definition(origin, "is empty");
    }
    return new EvaluationTask(definition, origin);
  }
}
