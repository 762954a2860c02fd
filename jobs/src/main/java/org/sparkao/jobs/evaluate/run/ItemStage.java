package org.sparkao.jobs.evaluate.run;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.spark.SparkContext;
import org.sparkao.jobs.evaluate.logits.ItemNames;
import org.sparkao.jobs.evaluate.logits.LogitsRequest;
import org.sparkao.jobs.evaluate.plan.EvaluatePlan;
import org.sparkao.jobs.evaluate.plan.ItemBatch;
import org.sparkao.jobs.evaluate.plan.ItemWork;
import org.sparkao.jobs.evaluate.plan.PlannedItem;
import org.sparkao.jobs.evaluate.run.BatchOutcome.ItemOutcome;
import org.sparkao.jobs.evaluate.run.BatchWork.Batches;
import org.sparkao.jobs.gpu.PlannedDevice;
import org.sparkao.jobs.job.Console;
import org.sparkao.jobs.job.StatusLine;
import org.sparkao.jobs.spark.Background;
import org.sparkao.jobs.spark.TextStage;
import org.sparkao.jobs.table.EvalItemRow;
import org.sparkao.jobs.table.EvalItemRow.Key;
import org.sparkao.quant.QuantException;

/** The Spark jobs of an evaluation. */
final class ItemStage {
  /** Tasks for every slot, so that none waits long for the last one. */
  private static final int TASKS_A_SLOT = 4;

  /** Most batches of a task that nobody cut otherwise: its rows are committed when it ends. */
  private static final int BATCHES_A_TASK = 16;

  private final SparkContext spark;
  private final TextStage stage;
  private final EvaluateRequest request;
  private final BatchWork work;

  ItemStage(SparkContext spark, String group, EvaluateRequest request, PlannedDevice device) {
    this.spark = spark;
    this.stage = new TextStage(spark, group);
    this.request = request;
    EvaluatePlan plan = request.plan();
    ModelRequest model =
        new ModelRequest(
            request.checkpoint().location(),
            request.settings().onlyFile().orElse(""),
            ModelRequest.filesOf(request.checkpoint()),
            device,
            request.settings().form(),
            new ModelRequest.Capacity(
                plan.callTokens(),
                plan.longest(),
                request.settings().memoryBytes(),
                ModelRequest.Decoding.OF_ITEMS));
    this.work = new BatchWork(request.source(), model, request.settings().logits().folder(group));
  }

  /**
   * How executors compute: they open the model on all their devices, and keep it.
   *
   * @throws QuantException when the model cannot be run, or executors compute differently
   */
  BatchOutcome.Who who() throws IOException {
    List<BatchOutcome> answers = new CopyOnWriteArrayList<>();
    stage.run(
        Collections.nCopies(spark.defaultParallelism(), new Batches(List.of(), Map.of())),
        work,
        "Open " + request.checkpoint().location(),
        text -> answers.add(BatchOutcome.fromJson(text)));
    for (BatchOutcome answer : answers) {
      if (!answer.refusal().isEmpty()) {
        throw new QuantException(answer.refusal());
      }
    }
    answers.forEach(answer -> OneWay.require(answers.get(0).who().way(), answer.who().way()));
    return answers.get(0).who();
  }

  /** Computes items and has their rows committed. */
  void compute(
      List<PlannedItem> missing,
      List<Key> keys,
      ItemRows rows,
      ItemCommitter committer,
      Console console)
      throws IOException {
    List<ItemBatch> batches = request.plan().batches(missing);
    EvaluateProgress progress =
        new EvaluateProgress(
            missing.size(), missing.stream().mapToLong(item -> item.work().tokens()).sum());
    AtomicReference<String> refusal = new AtomicReference<>();
    StatusLine line = new StatusLine(console, progress::line);
    try (Background background = new Background()) {
      background.start("commit", committer::commitUntil, stage::cancel);
      try {
        stage.run(
            tasks(batches, keys),
            work,
            "Evaluate " + request.checkpoint().location() + ": " + missing.size() + " items",
            text -> {
              BatchOutcome outcome = BatchOutcome.fromJson(text);
              if (!outcome.refusal().isEmpty()) {
                refusal.compareAndSet(null, outcome.refusal());
                stage.cancel("refused");
                return;
              }
              try {
                List<EvalItemRow> finished = finished(outcome, keys, rows);
                committer.add(finished);
                progress.finished(finished.size(), tokens(outcome));
              } catch (QuantException e) {
                refusal.compareAndSet(null, e.getMessage());
                stage.cancel("refused");
              }
            });
      } catch (IOException e) {
        background.end();
        committer.flush();
        if (refusal.get() != null) {
          throw new QuantException(refusal.get(), e);
        }
        throw e;
      }
      background.end();
      committer.flush();
    } finally {
      line.close();
    }
    if (refusal.get() != null) {
      throw new QuantException(refusal.get());
    }
    if (!missing.isEmpty()) {
      console.err().println(progress.line());
    }
  }

  private List<EvalItemRow> finished(BatchOutcome outcome, List<Key> keys, ItemRows rows) {
    List<EvalItemRow> finished = new ArrayList<>();
    for (ItemOutcome item : outcome.items()) {
      PlannedItem planned = request.plan().items().get(item.position());
      Key key = keys.get(item.position());
      // An executor that came later was not asked before.
      OneWay.require(key.numerics() + " on " + key.device(), outcome.who().way());
      finished.add(rows.computed(planned, key, item, outcome.who()));
    }
    return finished;
  }

  private long tokens(BatchOutcome outcome) {
    return outcome.items().stream().mapToLong(item -> work(item).tokens()).sum();
  }

  private ItemWork work(ItemOutcome item) {
    return request.plan().items().get(item.position()).work();
  }

  /** Deals the batches out, so that every task gets long and short ones. */
  private List<Batches> tasks(List<ItemBatch> batches, List<Key> keys) {
    int slots = spark.defaultParallelism();
    int wanted =
        request
            .settings()
            .partitions()
            .orElse(Math.max(TASKS_A_SLOT * slots, batches.size() / BATCHES_A_TASK));
    int count = Math.min(wanted, batches.size());
    List<List<ItemBatch>> dealt = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      dealt.add(new ArrayList<>());
    }
    for (int i = 0; i < batches.size(); i++) {
      dealt.get(i % count).add(batches.get(i));
    }
    return dealt.stream().map(some -> new Batches(some, names(some, keys))).toList();
  }

  private Map<Integer, ItemNames> names(List<ItemBatch> batches, List<Key> keys) {
    LogitsRequest logits = request.settings().logits();
    Map<Integer, ItemNames> names = new HashMap<>();
    for (ItemBatch batch : batches) {
      for (ItemWork item : batch.items()) {
        ItemNames of = logits.names(item, keys.get(item.position()).id());
        if (of.isWanted()) {
          names.put(item.position(), of);
        }
      }
    }
    return names;
  }
}
