package org.sparkao.jobs.compare;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.EvalItemRow;
import org.sparkao.jobs.table.TableRow;
import org.sparkao.quant.QuantException;

/** The rows of a run of {@code evaluate}. */
public final class RunItems {
  private RunItems() {}

  /**
   * One row an item.
   *
   * @param tasks the names of those that are wanted; all where there are none
   * @throws QuantException when there are no rows
   */
  public static List<EvalItemRow> read(DeltaStore store, String run, List<String> tasks)
      throws IOException {
    Map<String, EvalItemRow> rows = new LinkedHashMap<>();
    for (TableRow read : store.read(EvalItemRow.TABLE, run)) {
      EvalItemRow row = EvalItemRow.of(read);
      if (tasks.isEmpty() || tasks.contains(row.key().task())) {
        rows.putIfAbsent(row.key().task() + " " + row.item().index(), row);
      }
    }
    if (rows.isEmpty()) {
      throw new QuantException(
          store.location(EvalItemRow.TABLE)
              + " has no items of run "
              + run
              + (tasks.isEmpty() ? "" : " and tasks " + String.join(", ", tasks)));
    }
    return new ArrayList<>(rows.values());
  }
}
