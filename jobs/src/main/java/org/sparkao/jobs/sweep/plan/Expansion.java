package org.sparkao.jobs.sweep.plan;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.sparkao.jobs.table.SweepCellRow.Place;
import org.sparkao.quant.QuantException;

/** A definition to its cells. */
final class Expansion {
  private final SweepDefinition definition;

  Expansion(SweepDefinition definition) {
    this.definition = definition;
  }

  /**
   * One combination.
   *
   * @param place its names
   * @param values what they mean, by axis
   * @param options of its jobs, all rules applied
   */
  record Combination(Place place, Map<Axis, AxisValue> values, JobOptions options) {}

  /** A scheme with an algorithm. */
  private record Recipe(AxisValue scheme, AxisValue algorithm) {}

  /**
   * All cells, model by model, baselines first.
   *
   * @throws QuantException when filters leave nothing
   */
  List<Combination> combinations() {
    Map<Place, Combination> cells = new LinkedHashMap<>();
    for (AxisValue model : definition.values(Axis.MODEL)) {
      List<Combination> kept = new ArrayList<>();
      Set<AxisValue> tasks = new LinkedHashSet<>();
      for (Recipe recipe : recipes()) {
        for (AxisValue task : definition.values(Axis.TASK)) {
          Combination cell = combination(model, recipe, task);
          if (isKept(cell.place())) {
            kept.add(cell);
            tasks.add(task);
          }
        }
      }
      for (SweepDefinition.Baseline baseline : definition.baselines()) {
        Recipe recipe =
            new Recipe(
                definition.value(Axis.SCHEME, baseline.scheme()).orElseThrow(),
                definition.value(Axis.ALGORITHM, baseline.algorithm()).orElseThrow());
        for (AxisValue task : tasks) {
          Combination cell = combination(model, recipe, task);
          cells.putIfAbsent(cell.place(), cell);
        }
      }
      kept.forEach(cell -> cells.putIfAbsent(cell.place(), cell));
    }
    if (cells.isEmpty()) {
      throw new QuantException(
          "sweep "
              + definition.name()
              + ": exclude leaves no combination; take something out of it");
    }
    return List.copyOf(cells.values());
  }

  private List<Recipe> recipes() {
    List<Recipe> recipes = new ArrayList<>();
    for (AxisValue scheme : definition.values(Axis.SCHEME)) {
      if (scheme.value().equals(AxisValue.NONE)) {
        recipes.add(new Recipe(AxisValue.UNQUANTIZED, AxisValue.UNQUANTIZED));
      } else {
        definition
            .values(Axis.ALGORITHM)
            .forEach(algorithm -> recipes.add(new Recipe(scheme, algorithm)));
      }
    }
    return recipes;
  }

  private boolean isKept(Place place) {
    SweepDefinition.Filters filters = definition.filters();
    return filters.exclude().stream().noneMatch(selector -> selector.matches(place))
        || filters.include().stream().anyMatch(selector -> selector.matches(place));
  }

  private Combination combination(AxisValue model, Recipe recipe, AxisValue task) {
    Place place =
        new Place(model.name(), recipe.scheme().name(), recipe.algorithm().name(), task.name());
    JobOptions options =
        definition
            .options()
            .with(new JobOptions(recipe.scheme().options(), Map.of(), task.options()))
            .with(new JobOptions(recipe.algorithm().options(), Map.of(), Map.of()));
    for (SweepRule rule : definition.rules()) {
      if (rule.when().matches(place)) {
        options = options.with(rule.options());
      }
    }
    return new Combination(
        place,
        Map.of(
            Axis.MODEL,
            model,
            Axis.SCHEME,
            recipe.scheme(),
            Axis.ALGORITHM,
            recipe.algorithm(),
            Axis.TASK,
            task),
        options);
  }
}
