package org.sparkao.jobs.sweep.report;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;
import org.sparkao.jobs.compare.PairedTest;
import org.sparkao.jobs.table.SweepCellRow;

/** Cells of one task that no other one beats in both cost and value. */
final class ParetoFront {
  private ParetoFront() {}

  /**
   * Those on the front: no other cell is at least as good in both and better in one.
   *
   * @param cells of one task, all done
   * @param cost the less the better
   */
  static List<SweepCellRow> of(List<SweepCellRow> cells, ToDoubleFunction<SweepCellRow> cost) {
    List<SweepCellRow> front = new ArrayList<>();
    for (SweepCellRow cell : cells) {
      if (cells.stream().noneMatch(other -> beats(other, cell, cost))) {
        front.add(cell);
      }
    }
    return front;
  }

  private static boolean beats(
      SweepCellRow other, SweepCellRow cell, ToDoubleFunction<SweepCellRow> cost) {
    double cheaper = cost.applyAsDouble(cell) - cost.applyAsDouble(other);
    double better = goodness(other) - goodness(cell);
    return cheaper >= 0 && better >= 0 && (cheaper > 0 || better > 0);
  }

  private static double goodness(SweepCellRow cell) {
    SweepCellRow.Measured measured = cell.measured().orElseThrow();
    return PairedTest.higherIsBetter(measured.metric()) ? measured.value() : -measured.value();
  }

  /** What a checkpoint takes. */
  static double bytes(SweepCellRow cell) {
    return cell.output().bytes().orElseThrow();
  }

  /** What a token takes, seconds. */
  static double secondsPerToken(SweepCellRow cell) {
    return 1 / cell.measured().orElseThrow().tokensPerSecond();
  }
}
