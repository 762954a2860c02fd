package org.sparkao.jobs.table;

import java.util.List;

/** Every table, in the order of the documentation. */
public final class Tables {
  private static final List<Table> ALL =
      List.of(
          RunRow.TABLE,
          ShardRow.TABLE,
          TensorRow.TABLE,
          CalibrationRow.TABLE,
          TrainStepRow.TABLE,
          EvalItemRow.TABLE,
          EvalResultRow.TABLE,
          SweepRow.TABLE,
          SweepCellRow.TABLE,
          SweepComparisonRow.TABLE,
          BenchmarkRow.TABLE);

  private Tables() {}

  /** All tables. */
  public static List<Table> all() {
    return ALL;
  }
}
