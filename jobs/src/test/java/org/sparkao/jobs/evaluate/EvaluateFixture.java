package org.sparkao.jobs.evaluate;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.sparkao.datasets.sample.BundledSample;
import org.sparkao.jobs.evaluate.run.ModelSource;
import org.sparkao.jobs.job.JobRun;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.EvalItemRow;
import org.sparkao.jobs.table.EvalResultRow;
import org.sparkao.jobs.table.TableRow;

/** The bundled sample's tokenizer and weights, three tasks of one's own, tables in a folder. */
public final class EvaluateFixture {
  /** Vocabulary of the sample. */
  public static final int VOCABULARY = 1536;

  private final Path folder;
  private final ModelSource models;

  /** Writes checkpoint and data. */
  public EvaluateFixture(Path folder, ModelSource models) throws IOException {
    this.folder = folder;
    this.models = models;
    BundledSample.copyCheckpointTo(folder.resolve("model"));
    Path data = Files.createDirectories(folder.resolve("data"));
    List<String> questions = new ArrayList<>();
    List<String> words = new ArrayList<>();
    for (String story : BundledSample.heldOutText().subList(0, 40)) {
      String text = story.replace("\"", "");
      int at = text.indexOf(' ', text.length() / 2);
      int end = text.indexOf(' ', at + 1);
      String right = text.substring(at + 1, end);
      questions.add(
          "{\"q\": \"%s\", \"c\": [\"%s\", \"nothing at all\", \"blue\"], \"a\": 0}"
              .formatted(text.substring(0, at), right));
      words.add("{\"t\": \"%s\", \"w\": \"%s\"}".formatted(text.substring(0, at), right));
    }
    Files.write(data.resolve("choice.jsonl"), questions);
    Files.write(data.resolve("word.jsonl"), words);
    List<String> texts =
        BundledSample.heldOutText().subList(40, 46).stream()
            .map(text -> "{\"t\": \"%s\"}".formatted((text + " " + text).replace("\"", "")))
            .toList();
    Files.write(data.resolve("text.jsonl"), texts);
    task(
        "choice",
        "multiple-choice",
        "text: \"{{q}}\"\nchoices: \"{{c}}\"\ntarget: \"{{a}}\"\nmetrics: [acc, acc_norm]");
    task("word", "last-word", "text: \"{{t}}\"\ntarget: \"{{w}}\"\nmetrics: [acc, perplexity]");
    task("text", "perplexity", "target: \"{{t}}\"\nmetrics: [word_perplexity, bits_per_byte]");
  }

  private void task(String name, String kind, String rest) throws IOException {
    writeTask(folder, name, kind, rest);
  }

  /**
   * Writes a task that reads {@code NAME.jsonl}.
   *
   * @return its file
   */
  public static Path writeTask(Path folder, String name, String kind, String rest)
      throws IOException {
    return Files.writeString(
        folder.resolve(name + ".yaml"),
        "task: %s\nversion: \"1\"\nkind: %s\nsources:\n  - {file: %s.jsonl, format: jsonl}\n%s\n"
            .formatted(name, kind, name, rest));
  }

  /** The folder of everything. */
  public Path folder() {
    return folder;
  }

  /** All three tasks. */
  public String tasks() {
    return folder + "/choice.yaml," + folder + "/word.yaml," + folder + "/text.yaml";
  }

  /** Runs the job on all three tasks into the tables of a name. */
  public JobRun run(String tables, String... options) throws Exception {
    return run(models, tables, options);
  }

  /** The same with other models. */
  public JobRun run(ModelSource models, String tables, String... options) throws Exception {
    List<String> all =
        new ArrayList<>(
            List.of(
                "checkpoint",
                folder.resolve("model").toString(),
                "tasks",
                tasks(),
                "data",
                folder.resolve("data").toString(),
                "tables",
                folder.resolve(tables).toString(),
                "device",
                "cpu",
                "max-length",
                "64"));
    all.addAll(Arrays.asList(options));
    return JobRun.of(new EvaluateJob(models), all.toArray(String[]::new));
  }

  /** The tables of a name. */
  public DeltaStore store(String tables) {
    return new DeltaStore(Storage.ofAssignments(List.of()), folder.resolve(tables).toString());
  }

  /** Rows of a run, by task and index. */
  public List<EvalItemRow> items(String tables, String runId) throws IOException {
    List<EvalItemRow> rows = new ArrayList<>();
    for (TableRow row : store(tables).read(EvalItemRow.TABLE, runId)) {
      rows.add(EvalItemRow.of(row));
    }
    rows.sort(
        Comparator.comparing((EvalItemRow row) -> row.key().task())
            .thenComparing(row -> row.item().index()));
    return rows;
  }

  /** What does not depend on who computed it, and when. */
  public static List<Object> said(List<EvalItemRow> rows) {
    return rows.stream()
        .<Object>map(row -> List.of(row.key(), row.item(), row.outcome(), row.scores()))
        .toList();
  }

  /** Results of a run, in the order of the table. */
  public List<EvalResultRow> results(String tables, String runId) throws IOException {
    return store(tables).read(EvalResultRow.TABLE, runId).stream().map(EvalResultRow::of).toList();
  }
}
