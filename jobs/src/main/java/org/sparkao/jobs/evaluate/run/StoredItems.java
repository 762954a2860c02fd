package org.sparkao.jobs.evaluate.run;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.sparkao.jobs.evaluate.plan.EvaluatePlan;
import org.sparkao.jobs.evaluate.plan.PlannedItem;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.EvalItemRow;
import org.sparkao.jobs.table.TableRow;

/** What the table holds of the items of a plan. */
final class StoredItems {
  private final Map<String, EvalItemRow> byKey = new HashMap<>();
  private final List<Optional<EvalItemRow>> own;
  private boolean twice;

  private StoredItems(int items) {
    own = new ArrayList<>(java.util.Collections.nCopies(items, Optional.empty()));
  }

  /**
   * Reads the rows of a checkpoint, whatever run they are of.
   *
   * @param runId the run whose own rows are told apart
   * @param keys of the plan's items, in order
   */
  static StoredItems read(
      DeltaStore store, String runId, EvaluatePlan plan, List<EvalItemRow.Key> keys)
      throws IOException {
    StoredItems stored = new StoredItems(keys.size());
    Map<String, Integer> places = new HashMap<>();
    for (PlannedItem item : plan.items()) {
      places.put(place(item.task().name(), item.index()), item.work().position());
    }
    String checkpoint = keys.get(0).checkpointHash();
    for (TableRow read : store.readWhere(EvalItemRow.TABLE, "checkpoint_hash", checkpoint)) {
      EvalItemRow row = EvalItemRow.of(read);
      stored.byKey.putIfAbsent(row.key().id(), row);
      Integer position = places.get(place(row.key().task(), row.item().index()));
      if (row.runId().equals(runId)
          && position != null
          && row.key().id().equals(keys.get(position).id())) {
        stored.twice |= stored.own(position).isPresent();
        stored.own.set(position, Optional.of(row));
      }
    }
    return stored;
  }

  private static String place(String task, long index) {
    return task + " " + index;
  }

  /** The run's own row of an item. */
  Optional<EvalItemRow> own(int position) {
    return own.get(position);
  }

  /** Whether the run has several rows of an item: two drivers computed it at once. */
  boolean hasTwice() {
    return twice;
  }

  /** A row with a key, of whatever run. */
  Optional<EvalItemRow> find(EvalItemRow.Key key) {
    return Optional.ofNullable(byKey.get(key.id()));
  }
}
