package org.sparkao.jobs.evaluate.run;

import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.spark.SparkContext;
import org.sparkao.jobs.config.CommonKeys;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.evaluate.plan.EvaluatePlan;
import org.sparkao.jobs.evaluate.plan.PlannedItem;
import org.sparkao.jobs.evaluate.plan.Sha256;
import org.sparkao.jobs.gpu.PlannedDevice;
import org.sparkao.jobs.job.Console;
import org.sparkao.jobs.job.ProgramVersion;
import org.sparkao.jobs.job.RunNames;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.EvalItemRow;
import org.sparkao.jobs.table.EvalItemRow.Key;
import org.sparkao.jobs.table.EvalResultRow;
import org.sparkao.jobs.table.RunRow;
import org.sparkao.jobs.table.TableRow;
import org.sparkao.quant.QuantException;

/**
 * Carries out a plan. What is stored under an item's key is not computed again, whoever stored it;
 * so a killed run goes on with the same command, and two runs at once disturb each other in
 * nothing.
 */
public final class EvaluateRun {
  private static final String DEVICE_USED = "device-used";

  private final EvaluateRequest request;
  private final PlannedDevice device;
  private final Config config;
  private final Console console;
  private final Storage storage;
  private final DeltaStore store;
  private final String runId;

  /** A run, not yet begun. */
  public EvaluateRun(
      EvaluateRequest request, PlannedDevice device, Config config, Console console) {
    this.request = request;
    this.device = device;
    this.config = config;
    this.console = console;
    this.storage = Storage.ofAssignments(config.all(CommonKeys.CONF));
    this.store = new DeltaStore(storage, config.value(CommonKeys.TABLES));
    this.runId = config.find(CommonKeys.RUN_ID).orElseGet(() -> RunNames.next("evaluate"));
  }

  /** Name of the run. */
  public String runId() {
    return runId;
  }

  /**
   * Runs to the end.
   *
   * @return every metric of every task
   * @throws QuantException when the model cannot be run, or the name is another run's
   */
  public List<EvalResultRow> run(SparkContext spark) throws IOException, InterruptedException {
    ExecutorModel.hold();
    try {
      return evaluate(spark);
    } finally {
      ExecutorModel.release();
    }
  }

  private List<EvalResultRow> evaluate(SparkContext spark)
      throws IOException, InterruptedException {
    EvaluatePlan plan = request.plan();
    ItemStage stage = new ItemStage(spark, runId, request, device);
    String hash = CheckpointHash.of(request.checkpoint(), spark, storage, runId);
    BatchOutcome.Who who = stage.who();
    ItemKeys itemKeys =
        new ItemKeys(hash, who.numerics(), who.device(), request.settings().logits().base());
    List<Key> keys = plan.items().stream().map(itemKeys::of).toList();
    console.out().println("numerics: " + who.numerics() + " on " + who.device());
    RunRow run = begin(keys, spark.applicationId());
    store.replaceRun(run);
    try {
      List<EvalItemRow> rows = rows(stage, keys);
      List<EvalResultRow> results = Results.of(plan, rows, runId);
      store.replace(EvalResultRow.TABLE, runId, results.stream().map(row -> row.toRow(1)).toList());
      store.replaceRun(run.with(RunRow.Status.DONE, Instant.now()));
      return results;
    } catch (QuantException e) {
      ended(run.with(RunRow.Status.REFUSED, Instant.now()), e);
      throw e;
    } catch (IOException | InterruptedException | RuntimeException e) {
      ended(run.with(RunRow.Status.FAILED, Instant.now()), e);
      throw e;
    }
  }

  private void ended(RunRow run, Exception failure) {
    try {
      store.replaceRun(run);
    } catch (IOException | RuntimeException e) {
      failure.addSuppressed(e);
    }
  }

  /** One row an item, in the order of the plan: taken over, or computed. */
  private List<EvalItemRow> rows(ItemStage stage, List<Key> keys)
      throws IOException, InterruptedException {
    EvaluatePlan plan = request.plan();
    ItemRows rows = new ItemRows(runId);
    ItemCommitter committer = new ItemCommitter(store, runId);
    KeptLogits logits = KeptLogits.prepare(request.settings().logits(), runId, storage);
    StoredItems stored = StoredItems.read(store, runId, plan, keys);
    Set<String> withoutLogits = new HashSet<>();
    List<EvalItemRow> takenOver = new ArrayList<>();
    List<PlannedItem> missing = new ArrayList<>();
    for (PlannedItem item : plan.items()) {
      int position = item.work().position();
      if (!logits.has(item, keys.get(position))) {
        missing.add(item);
        stored.own(position).ifPresent(row -> withoutLogits.add(row.key().id()));
      } else if (stored.own(position).isEmpty()) {
        Optional<EvalItemRow> found = stored.find(keys.get(position));
        found.ifPresentOrElse(
            row -> takenOver.add(rows.takenOver(item, row)), () -> missing.add(item));
      }
    }
    if (missing.size() < plan.items().size()) {
      console
          .err()
          .println(
              plan.items().size()
                  - missing.size()
                  + " of "
                  + plan.items().size()
                  + " items are stored already");
    }
    logits.requireRoom(missing);
    if (!withoutLogits.isEmpty()) {
      store.delete(EvalItemRow.TABLE, runId, row -> withoutLogits.contains(row.text("item_key")));
    }
    committer.add(takenOver);
    committer.flush();
    stage.compute(missing, keys, rows, committer, console);
    logits.finish();
    return complete(keys);
  }

  /**
   * What the table says in the end, which is what everybody else will read; of an item that two
   * drivers of this run have computed one row stays.
   */
  private List<EvalItemRow> complete(List<Key> keys) throws IOException {
    StoredItems stored = StoredItems.read(store, runId, request.plan(), keys);
    List<EvalItemRow> rows = new ArrayList<>();
    for (int i = 0; i < keys.size(); i++) {
      int position = i;
      rows.add(
          stored
              .own(position)
              .orElseThrow(
                  () ->
                      new IOException(
                          store.location(EvalItemRow.TABLE)
                              + ": "
                              + keys.get(position).task()
                              + " has no row of run "
                              + runId
                              + " for an item that was computed; somebody deleted it")));
    }
    if (stored.hasTwice()) {
      long step = store.lastStep(EvalItemRow.TABLE, runId);
      store.replace(EvalItemRow.TABLE, runId, rows.stream().map(row -> row.toRow(step)).toList());
    }
    return rows;
  }

  private RunRow begin(List<Key> keys, String applicationId) throws IOException {
    Sha256 hash = new Sha256();
    keys.forEach(key -> hash.line(key.id()));
    String fingerprint = hash.hex();
    Instant start = Instant.now();
    for (TableRow row : store.read(RunRow.TABLE, runId)) {
      if (!row.text("fingerprint").equals(fingerprint)) {
        throw new QuantException(
            config.value(CommonKeys.TABLES)
                + ": run "
                + runId
                + " is in the tables already and evaluated something else ("
                + row.text("source")
                + ", "
                + row.text("status")
                + "); choose another --run-id, or leave it out");
      }
      start = row.instant("started_at");
    }
    return new RunRow(
        runId,
        "evaluate",
        RunNames.json(config.arguments()),
        RunNames.json(effective()),
        ProgramVersion.current(),
        fingerprint,
        RunRow.Status.RUNNING,
        start,
        Optional.empty(),
        applicationId,
        new RunRow.Volume(
            request.checkpoint().location(),
            store.location(EvalResultRow.TABLE),
            keys.get(0).numerics(),
            request.checkpoint().totalBytes(),
            0,
            request.checkpoint().tensors().size(),
            0,
            0));
  }

  private Map<String, List<String>> effective() {
    Map<String, List<String>> effective = new LinkedHashMap<>(config.effective());
    effective.put(DEVICE_USED, List.of(device.name(), device.why()));
    return effective;
  }
}
