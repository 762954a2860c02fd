package org.sparkao.jobs.evaluate.plan;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.sparkao.datasets.task.EvaluationItem;
import org.sparkao.datasets.task.EvaluationTask;
import org.sparkao.datasets.task.Request;
import org.sparkao.datasets.task.TaskKind;
import org.sparkao.datasets.tokenizer.Tokenizer;
import org.sparkao.quant.QuantException;

/** Makes the plan; whatever can be refused is refused here. */
public final class EvaluatePlanner {
  private final ModelFacts model;
  private final Tokenizer tokenizer;
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
    this.tokenizer = tokenizer;
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
   * @param most items of each task, from the first on
   * @throws QuantException for an item that cannot be asked
   */
  public EvaluatePlan plan(List<EvaluationTask> tasks, Path data, int most) {
    Set<String> names = new TreeSet<>();
    List<PlannedItem> items = new ArrayList<>();
    for (EvaluationTask task : tasks) {
      if (!names.add(task.name())) {
        throw new QuantException("--tasks: " + task.name() + " is there twice");
      }
      int begin = items.size();
      for (EvaluationItem item : task.items(data)) {
        if (items.size() - begin == most) {
          break;
        }
        add(task, item, items, begin + most);
      }
    }
    return new EvaluatePlan(model, tasks, items, limit, batchTokens);
  }

  private void add(EvaluationTask task, EvaluationItem item, List<PlannedItem> items, int end) {
    String origin = "task " + task.name() + ", item " + item.index();
    if (task.chunkTokens().isPresent()) {
      Request request = item.requests().get(0);
      int length = task.chunkTokens().getAsInt();
      for (RequestTokens chunk : encoder().chunks(request.continuation(), length, origin)) {
        if (items.size() == end) {
          return;
        }
        // Chunks of a text are items of their own: so many of them can be computed at a time.
        int number =
            items.isEmpty() || items.get(items.size() - 1).task() != task
                ? 0
                : items.get(items.size() - 1).index() + 1;
        String hash = new Sha256().line(item.hash()).line("chunk " + number).hex();
        items.add(
            new PlannedItem(
                task,
                number,
                hash,
                item.answer(),
                List.of(request.hash()),
                new ItemWork(items.size(), List.of(chunk))));
      }
      return;
    }
    List<RequestTokens> requests =
        item.requests().stream()
            .map(
                request ->
                    task.kind() == TaskKind.PERPLEXITY
                        ? encoder().rolling(request.continuation(), origin)
                        : encoder().pair(request, origin))
            .toList();
    items.add(
        new PlannedItem(
            task,
            item.index(),
            item.hash(),
            item.answer(),
            item.requests().stream().map(Request::hash).toList(),
            new ItemWork(items.size(), requests)));
  }

  private RequestEncoder encoder() {
    return new RequestEncoder(tokenizer, limit);
  }
}
