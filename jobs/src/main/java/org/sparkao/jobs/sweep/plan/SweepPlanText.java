package org.sparkao.jobs.sweep.plan;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;
import org.sparkao.jobs.job.TextTable;
import org.sparkao.jobs.job.Texts;

/** A plan as people read it. */
public final class SweepPlanText {
  private SweepPlanText() {}

  /**
   * A line a cell, then what it comes to.
   *
   * @param isDone whether a cell has a value already
   */
  public static List<String> lines(SweepPlan plan, Predicate<PlannedCell> isDone) {
    TextTable table =
        TextTable.of(
            TextTable.text("model"),
            TextTable.text("scheme"),
            TextTable.text("algorithm"),
            TextTable.text("task"),
            TextTable.text("metric"),
            TextTable.number("items"),
            TextTable.number("tokens"),
            TextTable.text("calibrated"),
            TextTable.text(""));
    List<PlannedCell> missing = new ArrayList<>();
    long done = 0;
    long refused = 0;
    for (PlannedCell cell : plan.cells()) {
      boolean isRefused = cell.refusal().isPresent();
      boolean there = !isRefused && isDone.test(cell);
      done += there ? 1 : 0;
      refused += isRefused ? 1 : 0;
      if (!there && !isRefused) {
        missing.add(cell);
      }
      table.row(
          cell.place().model(),
          cell.place().scheme(),
          cell.place().algorithm(),
          cell.place().task(),
          of(cell, PlannedTask::metric),
          of(cell, task -> Texts.count(task.items())),
          of(cell, task -> Texts.count(task.tokens())),
          cell.recipe().calibration().isPresent() ? "yes" : "-",
          isRefused ? "refused" : there ? "done" : "to compute");
    }
    List<String> lines = new ArrayList<>(table.lines());
    plan.cells().stream()
        .filter(cell -> cell.refusal().isPresent())
        .map(cell -> cell.refusal().orElseThrow())
        .distinct()
        .forEach(refusal -> lines.add("refused: " + refusal));
    lines.add(summary(plan, missing, done, refused));
    return lines;
  }

  private static String of(PlannedCell cell, Function<PlannedTask, String> what) {
    return cell.task().map(what).orElse("-");
  }

  private static String summary(
      SweepPlan plan, List<PlannedCell> missing, long done, long refused) {
    Set<PlannedRecipe> recipes = new HashSet<>();
    Set<Object> calibrations = new HashSet<>();
    for (PlannedCell cell : missing) {
      if (cell.recipe().isQuantized()) {
        recipes.add(cell.recipe());
      }
      cell.recipe()
          .calibration()
          .ifPresent(needed -> calibrations.add(List.of(cell.recipe().model(), needed)));
    }
    return "sweep "
        + plan.definition().name()
        + ": "
        + plan.cells().size()
        + " cells, "
        + done
        + " done, "
        + refused
        + " refused, "
        + missing.size()
        + " to compute: "
        + recipes.size()
        + " checkpoints and "
        + calibrations.size()
        + " calibrations into "
        + plan.output();
  }
}
