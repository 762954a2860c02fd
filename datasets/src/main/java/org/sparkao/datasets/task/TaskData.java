package org.sparkao.datasets.task;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/** Reads the documents of a task: those of the first source that the data folder has. */
final class TaskData {
  private final String task;
  private final DataFolder data;

  TaskData(String task, DataFolder data) {
    this.task = task;
    this.data = data;
  }

  /**
   * The documents of a data set, in the order of its files.
   *
   * @throws TaskException if none of the files is there, or a line of one is malformed
   */
  List<PreparedDocument> read(List<TaskDefinition.Source> sources) {
    for (TaskDefinition.Source source : sources) {
      List<Path> files = files(source);
      if (!files.isEmpty()) {
        return prepared(source, files);
      }
    }
    throw TaskErrors.noData(
        task, data.path(), sources.stream().map(TaskDefinition.Source::file).toList());
  }

  private List<Path> files(TaskDefinition.Source source) {
    if (DataFile.isBundled(source.file())) {
      return List.of(Path.of(source.file()));
    }
    Path file = data.path().resolve(source.file());
    Path folder = file.getParent();
    if (!source.file().contains("*")) {
      return Files.exists(file) ? List.of(file) : List.of();
    }
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    List<Path> files = new ArrayList<>();
    try (DirectoryStream<Path> all =
        Files.newDirectoryStream(folder, file.getFileName().toString())) {
      all.forEach(files::add);
    } catch (IOException e) {
      throw TaskErrors.unreadable(folder.toString(), e);
    }
    return files.stream().sorted().toList();
  }

  private List<PreparedDocument> prepared(TaskDefinition.Source source, List<Path> files) {
    List<PreparedDocument> prepared = new ArrayList<>();
    for (Path file : files) {
      for (Document document : documents(source, file)) {
        Document changed = document;
        for (String step : source.steps()) {
          UnaryOperator<Document> change = DocumentSteps.named(step, task);
          changed = change.apply(changed);
        }
        prepared.add(new PreparedDocument(document, changed));
      }
    }
    if (prepared.isEmpty()) {
      throw TaskErrors.noItems(task, files.get(0));
    }
    return prepared;
  }

  private List<Document> documents(TaskDefinition.Source source, Path file) {
    DocumentFormats.DocumentFormat format = DocumentFormats.named(source.format(), task);
    List<String> lines = source.isParquet() ? rows(file) : DataFile.lines(file);
    List<Document> documents = format.documents(file, lines);
    return source.answers() == null
        ? documents
        : answered(documents, file, data.path().resolve(source.answers()));
  }

  private List<String> rows(Path file) {
    ParquetRows rows = data.parquet().orElseThrow(() -> TaskErrors.parquet(task, file));
    try {
      return rows.json(file);
    } catch (IOException e) {
      throw TaskErrors.unreadable(file.toString(), e);
    }
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
}
