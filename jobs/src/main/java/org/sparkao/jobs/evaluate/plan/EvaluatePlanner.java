package org.sparkao.jobs.evaluate.plan;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.sparkao.datasets.DatasetException;
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
    TokenizerFit.require(tokenizer, model.vocabulary());
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

  /** All items, of which the first ones are encoded, on all cores. */
  private List<EncodedItem> encoded(EvaluationTask task, List<EvaluationItem> items, int most) {
    if (task.chunkTokens().isPresent()) {
      return chunks(task, items);
    }
    List<Encoding> all =
        IntStream.range(0, items.size())
            .parallel()
            .mapToObj(i -> encoding(task, items.get(i), i < most))
            .toList();
    // Of several that are refused the first one is named.
    return all.stream().map(Encoding::item).toList();
  }

  /** An encoded item, or why it is refused. */
  private record Encoding(EncodedItem encoded, RuntimeException refusal) {
    EncodedItem item() {
      if (refusal != null) {
        throw refusal;
      }
      return encoded;
    }
  }

  private Encoding encoding(EvaluationTask task, EvaluationItem item, boolean asked) {
    String origin = origin(task, item);
    try {
      return new Encoding(
          new EncodedItem(
              item,
              item.index(),
              item.hash(),
              asked ? requests(task, item, origin) : List.of(),
              asked ? prompts(item, origin) : List.of()),
          null);
    } catch (QuantException | DatasetException e) {
      return new Encoding(null, e);
    }
  }

  /** Chunks of a text are items of their own: so many of them can be computed at a time. */
  private List<EncodedItem> chunks(EvaluationTask task, List<EvaluationItem> items) {
    List<EncodedItem> chunks = new ArrayList<>();
    int length = task.chunkTokens().getAsInt();
    for (EvaluationItem item : items) {
      String text = item.requests().get(0).continuation();
      for (RequestTokens chunk : encoder.chunks(text, length, origin(task, item))) {
        int number = chunks.size();
        String hash = new Sha256().line(item.hash()).line("chunk " + number).hex();
        chunks.add(new EncodedItem(item, number, hash, List.of(chunk), List.of()));
      }
    }
    return chunks;
  }

  private static String origin(EvaluationTask task, EvaluationItem item) {
    return "task " + task.name() + ", item " + item.index();
  }

  private List<RequestTokens> requests(EvaluationTask task, EvaluationItem item, String origin) {
    boolean whole = task.kind() == TaskKind.PERPLEXITY;
    Map<String, Integer> contexts = new HashMap<>();
    return item.requests().stream()
        .filter(request -> request.generation().isEmpty())
        .map(
            request ->
                whole
                    ? encoder.rolling(request.continuation(), origin)
                    : encoder.pair(request, contexts, origin))
        .toList();
  }

  private List<PromptTokens> prompts(EvaluationItem item, String origin) {
    return item.requests().stream()
        .filter(request -> request.generation().isPresent())
        .map(request -> encoder.prompt(request, origin))
        .toList();
  }
}
