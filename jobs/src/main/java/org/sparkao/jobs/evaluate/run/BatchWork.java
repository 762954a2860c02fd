package org.sparkao.jobs.evaluate.run;

import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.sparkao.gpu.model.LanguageModel;
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

  BatchWork(ModelSource source, ModelRequest request) {
    this.source = source;
    this.request = request;
  }

  /** The batches of one task. */
  record Batches(List<ItemBatch> batches) implements Serializable {
    Batches {
      batches = List.copyOf(batches);
    }
  }

  /** A model that cannot be run comes back as a refusal: trying again would not help. */
  @Override
  public String run(Batches task, TaskContext context) throws IOException {
    try {
      return ExecutorModel.use(source, request, model -> score(model, task, context)).toJson();
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

  private BatchOutcome score(LanguageModel model, Batches task, TaskContext context) {
    List<ItemOutcome> items = new ArrayList<>();
    for (ItemBatch batch : calls(model, task.batches())) {
      context.killTaskIfInterrupted();
      items.addAll(
          batch.items().get(0).prompts().isEmpty()
              ? new BatchScorer(model).score(batch)
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
}
