package org.sparkao.jobs.sweep.report;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;
import org.sparkao.jobs.page.FrontPlot;
import org.sparkao.jobs.page.FrontPlot.Point;
import org.sparkao.jobs.page.FrontPlot.Standing;
import org.sparkao.jobs.sweep.plan.AxisValue;
import org.sparkao.jobs.table.EvalResultRow;
import org.sparkao.jobs.table.SweepCellRow;
import org.sparkao.jobs.table.SweepCellRow.Measured;

/** Value against size and speed, a picture a task. */
final class SweepPictures {
  private static final double MEGABYTE = 1e6;

  /** Of a normal distribution, 95 %. */
  private static final double INTERVAL = 1.96;

  private SweepPictures() {}

  /** Against the size of the checkpoint. */
  static List<String> sizes(SweepView view) {
    return pictures(
        view,
        "sizes",
        "size of the checkpoint, MB",
        ParetoFront::bytes,
        cell -> ParetoFront.bytes(cell) / MEGABYTE);
  }

  /** Against the time that tokens take. */
  static List<String> speeds(SweepView view) {
    return pictures(
        view,
        "speeds",
        "time of a thousand tokens on one device, ms",
        ParetoFront::secondsPerToken,
        cell -> ParetoFront.secondsPerToken(cell) * 1e6);
  }

  private static List<String> pictures(
      SweepView view,
      String id,
      String axis,
      ToDoubleFunction<SweepCellRow> cost,
      ToDoubleFunction<SweepCellRow> x) {
    boolean oneModel =
        view.done().stream().map(cell -> cell.place().model()).distinct().count() == 1;
    List<String> pictures = new ArrayList<>();
    SweepTables.byTask(view)
        .forEach(
            (task, all) -> {
              List<SweepCellRow> cells =
                  all.stream().filter(cell -> Double.isFinite(cost.applyAsDouble(cell))).toList();
              List<SweepCellRow> front = ParetoFront.of(cells, cost);
              List<Point> points = new ArrayList<>();
              for (SweepCellRow cell : cells) {
                Standing standing = front.contains(cell) ? Standing.ON_FRONT : Standing.BEATEN;
                points.add(point(cell, x.applyAsDouble(cell), standing, oneModel));
              }
              if (!points.isEmpty()) {
                String metric = cells.get(0).measured().orElseThrow().metric();
                String unit = EvalResultRow.isShare(metric) ? ", percent" : "";
                pictures.add(
                    new FrontPlot(points, axis, task + ": " + metric + unit)
                        .paint(id + pictures.size(), task + ", " + metric + " against " + axis));
              }
            });
    return pictures;
  }

  private static Point point(SweepCellRow cell, double x, Standing standing, boolean oneModel) {
    Measured measured = cell.measured().orElseThrow();
    boolean share = EvalResultRow.isShare(measured.metric());
    double times = share ? 100 : 1;
    double error = INTERVAL * measured.standardError().orElse(0);
    String scheme = cell.place().scheme();
    String recipe =
        scheme.equals(AxisValue.NONE) ? "unquantized" : scheme + " " + cell.place().algorithm();
    return new Point(
        oneModel ? recipe : cell.place().model() + " " + recipe,
        x,
        times * measured.value(),
        times * Math.max(share ? 0 : Double.NEGATIVE_INFINITY, measured.value() - error),
        times * Math.min(share ? 1 : Double.POSITIVE_INFINITY, measured.value() + error),
        standing);
  }
}
