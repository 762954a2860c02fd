package org.sparkao.jobs.evaluate.plan;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sparkao.datasets.task.DataFolder;
import org.sparkao.datasets.task.EvaluationItem;
import org.sparkao.datasets.task.EvaluationTask;
import org.sparkao.datasets.task.ItemOptions;
import org.sparkao.datasets.task.Request;
import org.sparkao.datasets.task.TaskKind;
import org.sparkao.datasets.tokenizer.Tokenizer;
import org.sparkao.jobs.table.AskedItem;
import org.sparkao.quant.QuantException;

/** Makes the plan; whatever can be refused is refused here. */
public final class EvaluatePlanner {
  private final ModelFacts model;
  private final RequestEncoder encoder;
  private final ContextLimit limit;
  private final int batchTokens;

  /**
   * A planner.
   *
   * @param tokenizer of the same checkpoint; the caller closes it
   * @param batchTokens budget of a batch
   * @throws QuantException if the tokenizer has ids that the model has no row for
   */
  public EvaluatePlanner(
      ModelFacts model, Tokenizer tokenizer, ContextLimit limit, int batchTokens) {
    this.model = model;
    this.encoder = new RequestEncoder(tokenizer, limit);
    this.limit = limit;
    this.batchTokens = batchTokens;
    if (tokenizer.vocabularySize() > model.vocabulary()) {
      throw new QuantException(
          "the tokenizer has "
              + tokenizer.vocabularySize()
              + " ids, the model's embedding "
              + model.vocabulary()
              + " rows; use the tokenizer that came with the model");
    }
  }

  /**
   * Reads and encodes the items.
   *
   * @param tasks what is asked; each once
   * @param data folder of their files
   * @param options how they are asked
   * @param most items of each task, from the first on
   * @throws QuantException for an item that cannot be asked
   */
  public EvaluatePlan plan(
      List<EvaluationTask> tasks, DataFolder data, ItemOptions options, int most) {
    List<PlannedItem> items = new ArrayList<>();
    Map<String, Integer> available = new LinkedHashMap<>();
    for (EvaluationTask task : tasks) {
      List<EncodedItem> encoded = encoded(task, task.items(data, options), most);
      if (available.put(task.name(), encoded.size()) != null) {
        throw new QuantException("--tasks: " + task.name() + " is there twice");
      }
      for (EncodedItem item : encoded.subList(0, Math.min(most, encoded.size()))) {
        items.add(
            new PlannedItem(
                task,
                item.index(),
                item.hash(),
                item.item().group(),
                item.item().answer(),
                task.chunkTokens().isPresent() ? AskedItem.NOTHING : AskedText.of(item.item()),
                item.item().requests().stream().map(Request::hash).toList(),
                new ItemWork(items.size(), item.requests(), item.prompts())));
      }
    }
    return new EvaluatePlan(model, tasks, items, available, limit, batchTokens);
  }

  /**
   * An item, or a chunk of one.
   *
   * @param requests what is scored; empty where nobody asks for it
   * @param prompts what is continued
   */
  private record EncodedItem(
      EvaluationItem item,
      int index,
      String hash,
      List<RequestTokens> requests,
      List<PromptTokens> prompts) {}

  /** All items, of which the first ones are encoded. */
  private List<EncodedItem> encoded(EvaluationTask task, List<EvaluationItem> items, int most) {
    List<EncodedItem> encoded = new ArrayList<>();
    for (EvaluationItem item : items) {
      String origin = "task " + task.name() + ", item " + item.index();
      if (task.chunkTokens().isPresent()) {
        // Chunks of a text are items of their own: so many of them can be computed at a time.
        String text = item.requests().get(0).continuation();
        int length = task.chunkTokens().getAsInt();
        for (RequestTokens chunk : encoder.chunks(text, length, origin)) {
          int number = encoded.size();
          String hash = new Sha256().line(item.hash()).line("chunk " + number).hex();
          encoded.add(new EncodedItem(item, number, hash, List.of(chunk), List.of()));
        }
      } else {
        boolean asked = encoded.size() < most;
        encoded.add(
            new EncodedItem(
                item,
                item.index(),
                item.hash(),
                asked ? requests(task, item, origin) : List.of(),
                asked ? prompts(item, origin) : List.of()));
      }
    }
    return encoded;
  }

  private List<RequestTokens> requests(EvaluationTask task, EvaluationItem item, String origin) {
    boolean whole = task.kind() == TaskKind.PERPLEXITY;
    return item.requests().stream()
        .filter(request -> request.generation().isEmpty())
        .map(
            request ->
                whole
                    ? encoder.rolling(request.continuation(), origin)
                    : encoder.pair(request, origin))
        .toList();
  }

  private List<PromptTokens> prompts(EvaluationItem item, String origin) {
    return item.requests().stream()
        .filter(request -> request.generation().isPresent())
        .map(request -> encoder.prompt(request, origin))
        .toList();
  }
}
