package org.sparkao.jobs.evaluate.run;

import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.sparkao.gpu.model.LanguageModel;
import org.sparkao.jobs.evaluate.logits.BatchLogits;
import org.sparkao.jobs.evaluate.logits.ItemNames;
import org.sparkao.jobs.evaluate.logits.LogitsFolder;
import org.sparkao.jobs.evaluate.plan.ItemBatch;
import org.sparkao.jobs.evaluate.plan.ItemWork;
import org.sparkao.jobs.evaluate.run.BatchOutcome.ItemOutcome;
import org.sparkao.jobs.evaluate.run.BatchOutcome.Who;
import org.sparkao.jobs.gpu.ExecutorGpu;
import org.sparkao.jobs.spark.TextWork;
import org.sparkao.quant.QuantException;

/** What an executor does for some batches; for none it only says how it would compute. */
final class BatchWork implements TextWork<BatchWork.Batches> {
  private static final long serialVersionUID = 1;

  private final ModelSource source;
  private final ModelRequest request;
  private final LogitsFolder logits;

  BatchWork(ModelSource source, ModelRequest request, LogitsFolder logits) {
    this.source = source;
    this.request = request;
    this.logits = logits;
  }

  /**
   * The batches of one task.
   *
   * @param names of files of logits by the items' positions; empty where nobody wants logits
   */
  record Batches(List<ItemBatch> batches, Map<Integer, ItemNames> names) implements Serializable {
    Batches {
      batches = List.copyOf(batches);
      names = Map.copyOf(names);
    }
  }

  /** A model that cannot be run comes back as a refusal: trying again would not help. */
  @Override
  public String run(Batches task, TaskContext context) throws IOException {
    try {
      return ExecutorModel.use(source, request, model -> compute(model, task, context)).toJson();
    } catch (QuantException e) {
      return BatchOutcome.refused(e.getMessage()).toJson();
    }
  }

  /** A streamed model reads its weights once a call: all that is scored is one. */
  private static List<ItemBatch> calls(LanguageModel model, List<ItemBatch> batches) {
    if (model.placement() != LanguageModel.Placement.STREAMED) {
      return batches;
    }
    List<ItemBatch> calls = new ArrayList<>();
    List<ItemWork> scored = new ArrayList<>();
    for (ItemBatch batch : batches) {
      if (batch.items().get(0).prompts().isEmpty()) {
        scored.addAll(batch.items());
      } else {
        calls.add(batch);
      }
    }
    if (!scored.isEmpty()) {
      calls.add(new ItemBatch(scored));
    }
    return calls;
  }

  private BatchOutcome compute(LanguageModel model, Batches task, TaskContext context) {
    List<ItemOutcome> items = new ArrayList<>();
    for (ItemBatch batch : calls(model, task.batches())) {
      context.killTaskIfInterrupted();
      items.addAll(
          batch.items().get(0).prompts().isEmpty()
              ? scored(model, batch, task.names())
              : new BatchGenerator(model, ExecutorModel.tokenizer(request)).generate(batch));
    }
    Who who =
        new Who(
            model.numerics(),
            ExecutorGpu.label(request.device()),
            SparkEnv.get().executorId(),
            context.attemptNumber(),
            System.currentTimeMillis());
    return new BatchOutcome(items, who, "");
  }

  private List<ItemOutcome> scored(
      LanguageModel model, ItemBatch batch, Map<Integer, ItemNames> names) {
    if (names.isEmpty()) {
      return new BatchScorer(model, Optional.empty()).score(batch);
    }
    try (BatchLogits taken =
        new BatchLogits(ExecutorModel.storage().folder(logits.location()), logits, batch, names)) {
      return new BatchScorer(model, Optional.of(taken)).score(batch);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
