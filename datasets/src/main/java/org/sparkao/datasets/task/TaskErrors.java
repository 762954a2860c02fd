package org.sparkao.datasets.task;

import java.nio.file.Path;
import java.util.Collection;
import java.util.List;

/** Every error of this package that a user can cause. */
final class TaskErrors {
  private TaskErrors() {}

  static TaskException unknownTask(String name, Collection<String> known) {
    return new TaskException(
        "unknown task " + name + "; known are " + String.join(", ", known) + ", or a YAML file");
  }

  static TaskException definition(String origin, String problem) {
    return new TaskException("task definition " + origin + ": " + problem);
  }

  static TaskException unreadable(String what, Exception cause) {
    return new TaskException(what + ": cannot be read: " + firstLine(cause), cause);
  }

  static TaskException line(Path file, long line, String problem) {
    return new TaskException(file + ", line " + line + ": " + problem);
  }

  static TaskException noData(String task, Path data, List<String> files) {
    return new TaskException(
        "task "
            + task
            + ": none of its files is in "
            + data
            + "; it reads the first that exists of "
            + String.join(", ", files));
  }

  static TaskException negativeFewshot(int examples) {
    return new TaskException(
        "number of examples " + examples + ": must be 0 or more; leave it out for the task's own");
  }

  static TaskException fewshot(String task, String group, String problem) {
    return new TaskException(
        "task " + task + (group.isEmpty() ? "" : ", group " + group) + ": " + problem);
  }

  static TaskException noItems(String task, Path file) {
    return new TaskException("task " + task + ": " + file + " holds no items");
  }

  static TaskException parquet(String task, Path file) {
    return new TaskException(
        "task "
            + task
            + ": "
            + file
            + " is Parquet, and no reader of it was given; write it as JSON lines");
  }

  /** Jackson appends its own place in the one line that it was given, which misleads. */
  static String firstLine(Exception cause) {
    String message = cause.getMessage();
    return message == null
        ? cause.getClass().getSimpleName()
        : message.lines().findFirst().orElse("");
  }
}
