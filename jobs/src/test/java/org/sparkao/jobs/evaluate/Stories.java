package org.sparkao.jobs.evaluate;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.sparkao.datasets.tokenizer.Tokenizer;
import org.sparkao.datasets.tokenizer.Tokenizers;
import org.sparkao.jobs.job.JobRun;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.EvalItemRow;
import org.sparkao.jobs.table.EvalResultRow;
import org.sparkao.jobs.table.Table;
import org.sparkao.jobs.table.TableRow;

/** The model stories260k of the shared folder, and tasks of its golden figures. */
final class Stories {
  /** Stories of the golden perplexity. */
  static final int COUNT = 150;

  /** The model's context. */
  private static final int CONTEXT = 512;

  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path folder;

  /** Writes tasks and data into a folder. */
  Stories(Path folder) throws IOException {
    this.folder = folder;
    Files.write(folder.resolve("stories.jsonl"), lines("t", texts()));
    EvaluateFixture.writeTask(
        folder, "stories", "perplexity", "target: \"{{t}}\"\nmetrics: [token_perplexity]");
  }

  /** Whether the shared folder is there. */
  static boolean present() {
    return Files.isDirectory(model());
  }

  /** The checkpoint as it lies there. */
  static Path model() {
    return GoldenEvaluation.data().resolveSibling("models").resolve("stories260k");
  }

  /** What transformers says of it. */
  static JsonNode golden() throws IOException {
    Path file = GoldenEvaluation.folder().resolveSibling("llama").resolve("llama.json");
    return JSON.readTree(file.toFile());
  }

  /** A copy without {@code add_bos_token}: a text that is scored whole begins with one BOS. */
  Path copy() throws IOException {
    Path copy = Files.createDirectories(folder.resolve("model"));
    for (String name : List.of("config.json", "model.safetensors", "tokenizer.model")) {
      Files.copy(model().resolve(name), copy.resolve(name));
    }
    Files.writeString(copy.resolve("tokenizer_config.json"), "{\"add_bos_token\": false}");
    return copy;
  }

  /** The file begins in the middle of a story, which does not count; long ones are cut. */
  private static List<String> texts() throws IOException {
    Path file = GoldenEvaluation.data().resolve("tinystories").resolve("stories_cased.txt");
    String[] all = Files.readString(file).split("<\\|endoftext\\|>");
    List<String> texts = new ArrayList<>();
    try (Tokenizer tokenizer = Tokenizers.open(model())) {
      for (String story : Arrays.asList(all).subList(1, COUNT + 1)) {
        int[] ids = tokenizer.encode(story.strip());
        texts.add(
            ids.length < CONTEXT
                ? story.strip()
                : tokenizer.decode(Arrays.copyOf(ids, CONTEXT - 1)));
      }
    }
    return texts;
  }

  /** Writes {@code prompts.yaml} and its data: the golden prompts, continued by 32 tokens. */
  void writePrompts() throws IOException {
    List<String> texts = new ArrayList<>();
    golden().get("prompts").forEach(prompt -> texts.add(prompt.get("text").asText()));
    Files.write(folder.resolve("prompts.jsonl"), lines("t", texts));
    EvaluateFixture.writeTask(
        folder,
        "prompts",
        "generation",
        "text: \"{{t}}\"\ntarget: \"none\"\ngeneration: {until: [\"<none>\"], maxTokens: 32}\n"
            + "metrics: [exact_match]");
  }

  private static List<String> lines(String key, List<String> texts) throws IOException {
    List<String> lines = new ArrayList<>();
    for (String text : texts) {
      lines.add(JSON.writeValueAsString(Map.of(key, text)));
    }
    return lines;
  }

  /** Evaluates a checkpoint on a task; tables and run are named {@code run}. */
  void evaluate(Path checkpoint, String task, String run) throws Exception {
    JobRun.of(
        new EvaluateJob(),
        "checkpoint",
        checkpoint.toString(),
        "tasks",
        folder.resolve(task + ".yaml").toString(),
        "data",
        folder.toString(),
        "device",
        "cpu",
        "tables",
        folder.resolve(run).toString(),
        "run-id",
        run);
  }

  /** Item rows of a run. */
  List<EvalItemRow> items(String run) throws IOException {
    return rows(EvalItemRow.TABLE, run).stream().map(EvalItemRow::of).toList();
  }

  /** The only result of a run. */
  double result(String run) throws IOException {
    return EvalResultRow.of(rows(EvalResultRow.TABLE, run).get(0)).value();
  }

  private List<TableRow> rows(Table table, String run) throws IOException {
    String tables = folder.resolve(run).toString();
    return new DeltaStore(Storage.ofAssignments(List.of()), tables).read(table, run);
  }
}
