package org.sparkao.jobs.table;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Tables as they were before some of their columns came. */
final class OlderTable {
  /** The run of their rows. */
  static final String RUN = "quantize-old";

  private OlderTable() {}

  /** Makes one with a row, of which the values of these columns are left out. */
  static void append(DeltaStore store, Table table, List<String> missing, List<Object> row)
      throws IOException {
    List<Column> fewer = new ArrayList<>();
    List<Object> values = new ArrayList<>();
    for (Column column : table.columns()) {
      if (!missing.contains(column.name())) {
        fewer.add(column);
        values.add(row.get(table.columns().indexOf(column)));
      }
    }
    store.append(new Table(table.name(), "of before", fewer), List.of(values), RUN, 1);
  }
}
