package org.sparkao.jobs.evaluate.logits;

import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.sparkao.jobs.evaluate.plan.EvaluatePlan;
import org.sparkao.jobs.evaluate.plan.PlannedItem;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.EvalItemRow;
import org.sparkao.jobs.table.TableRow;
import org.sparkao.quant.QuantException;

/** Finds what a base run said to the items of a plan, on the driver. */
public final class BaseItems {
  private final String run;
  private final DeltaStore store;
  private final Folder folder;

  /**
   * Of a run.
   *
   * @param folder of the files of logits
   */
  public BaseItems(String run, DeltaStore store, Folder folder) {
    this.run = run;
    this.store = store;
    this.folder = folder;
  }

  /**
   * The keys of the base's items, by position in the plan; of those that are scored.
   *
   * @throws QuantException if the base lacks an item or its logits, or has them of other tokens or
   *     another vocabulary
   */
  public Map<Integer, String> keys(EvaluatePlan plan) throws IOException {
    Map<String, EvalItemRow> rows = rows();
    Set<String> files = Set.copyOf(folder.list(""));
    Map<Integer, String> keys = new HashMap<>();
    for (PlannedItem item : plan.items()) {
      if (!item.work().requests().isEmpty()) {
        EvalItemRow row = sameTokens(item, rows.get(place(item.task().name(), item.index())));
        String key = row.key().id();
        String file = LogitsFile.of(key, item.work(), plan.model().vocabulary()).name();
        if (!files.contains(file)) {
          throw new QuantException(
              named(item)
                  + ": run "
                  + run
                  + " has no stored logits of it in "
                  + folder.location()
                  + "; evaluate the base again with --store-logits");
        }
        if (keys.isEmpty()) {
          LogitsReader.requireVocabulary(folder, file, plan.model().vocabulary());
        }
        keys.put(item.work().position(), key);
      }
    }
    if (keys.isEmpty()) {
      throw new QuantException("--base " + run + ": no item of these tasks is scored");
    }
    return keys;
  }

  private Map<String, EvalItemRow> rows() throws IOException {
    Map<String, EvalItemRow> rows = new HashMap<>();
    for (TableRow read : store.read(EvalItemRow.TABLE, run)) {
      EvalItemRow row = EvalItemRow.of(read);
      rows.put(place(row.key().task(), row.item().index()), row);
    }
    if (rows.isEmpty()) {
      throw new QuantException(
          "--base " + run + ": " + store.location(EvalItemRow.TABLE) + " has no items of that run");
    }
    return rows;
  }

  private EvalItemRow sameTokens(PlannedItem item, EvalItemRow row) {
    if (row == null) {
      throw new QuantException(
          named(item)
              + ": run "
              + run
              + " has not evaluated it; give both runs the same --tasks and --limit");
    }
    if (!row.key().promptHash().equals(item.promptHash())) {
      throw new QuantException(
          named(item)
              + ": run "
              + run
              + " got other tokens; a divergence needs the same data, tokenizer, --max-length,"
              + " --num-fewshot and templates");
    }
    return row;
  }

  private String named(PlannedItem item) {
    return "--base " + run + ", task " + item.task().name() + ", item " + item.index();
  }

  private static String place(String task, long index) {
    return task + " " + index;
  }
}
