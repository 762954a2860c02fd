package org.sparkao.jobs.quantize.budget;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.sparkao.jobs.job.TextTable;
import org.sparkao.jobs.quantize.plan.Recipe;
import org.sparkao.jobs.quantize.plan.Rule;
import org.sparkao.quant.scheme.Schemes;

/** A scheme for each group of layers, as a recipe, as rules to edit and as a table. */
public final class Budget {
  private final BudgetRequest request;
  private final List<Unit> units;
  private final Knapsack.Solution solution;
  private final String common;

  Budget(BudgetRequest request, List<Unit> units, Knapsack.Solution solution) {
    this.request = request;
    this.units = units;
    this.solution = solution;
    Map<String, Integer> layers = new LinkedHashMap<>();
    for (int i = 0; i < units.size(); i++) {
      layers.merge(chosen(i).scheme(), units.get(i).modules().size(), Integer::sum);
    }
    this.common =
        layers.entrySet().stream().max(Map.Entry.comparingByValue()).orElseThrow().getKey();
  }

  private Choice chosen(int unit) {
    return units.get(unit).choices().get(solution.choices()[unit]);
  }

  /** The recipe that was asked for with these schemes; its own rules come first. */
  public Recipe recipe() {
    Recipe asked = request.recipe();
    List<Rule> rules = new ArrayList<>(asked.rules());
    rules().forEach(text -> rules.add(Rule.parse(text)));
    return new Recipe(
        Optional.of(Schemes.parse(common)),
        rules,
        asked.arithmetic(),
        asked.maxShardBytes(),
        asked.nonFinite());
  }

  /** One for each group whose scheme is not the most frequent one. */
  private List<String> rules() {
    List<String> rules = new ArrayList<>();
    for (int i = 0; i < units.size(); i++) {
      if (!chosen(i).scheme().equals(common)) {
        rules.add(regex(units.get(i).modules()) + "=" + chosen(i).scheme());
      }
    }
    return rules;
  }

  /** Just these modules, which are alike up to the last dot. */
  private static String regex(List<String> modules) {
    String first = modules.get(0);
    int dot = first.lastIndexOf('.') + 1;
    List<String> ends = modules.stream().map(module -> module.substring(dot)).toList();
    String end = ends.size() == 1 ? ends.get(0) : "(" + String.join("|", ends) + ")";
    return "^" + first.substring(0, dot).replace(".", "\\.") + end + "$";
  }

  /** Text that {@code --config} reads: the scheme and rules, those that were asked for first. */
  public String yaml() {
    StringBuilder text = new StringBuilder();
    text.append(
        String.format(
            Locale.ROOT,
            "# sparkao quantize --budget %s: %.4f bits a weight, predicted error %.6g.%n",
            request.bitsPerWeight(),
            bitsPerWeight(),
            solution.error()));
    text.append("scheme: '").append(common).append("'\n");
    append(text, "skip", request.recipe().rules().stream().filter(Budget::skips).toList());
    List<Rule> all = new ArrayList<>(request.recipe().rules());
    all.removeIf(Budget::skips);
    rules().forEach(rule -> all.add(Rule.parse(rule)));
    append(text, "rule", all);
    return text.toString();
  }

  /** A rule without a scheme that was not written REGEX=skip. */
  private static boolean skips(Rule rule) {
    return rule.scheme().isEmpty() && rule.text().equals(rule.pattern().pattern());
  }

  private static void append(StringBuilder text, String key, List<Rule> rules) {
    if (!rules.isEmpty()) {
      text.append(key).append(":\n");
      rules.forEach(
          rule -> text.append("- '").append(rule.text().replace("'", "''")).append("'\n"));
    }
  }

  private long weights() {
    return units.stream().mapToLong(Unit::weights).sum();
  }

  private double bitsPerWeight() {
    return (double) solution.bits() / weights();
  }

  /** What was chosen and what it costs, several lines, each with its end. */
  public String text() {
    TextTable table =
        TextTable.of(
            TextTable.text("budget"),
            TextTable.number("layers"),
            TextTable.number("weights"),
            TextTable.number("bits/weight"),
            TextTable.number("error"),
            TextTable.number("all in it: bits/weight"),
            TextTable.number("error"));
    request.schemes().forEach(scheme -> row(table, scheme.name()));
    String last =
        String.format(
            Locale.ROOT,
            "%.4f bits a weight of at most %s; predicted error %.6g, %s%s%n",
            bitsPerWeight(),
            request.bitsPerWeight(),
            solution.error(),
            gap(),
            (request.errorsOf() == request.recipe().arithmetic().algorithm()
                    ? ""
                    : "; errors are those of " + request.errorsOf().configName())
                + (request.calibration().isPresent() ? "; weighted by the inputs of layers" : ""));
    return String.join("\n", table.lines()) + "\n" + last;
  }

  private String gap() {
    if (solution.error() <= solution.bound()) {
      return "the least there is";
    }
    return String.format(
        Locale.ROOT,
        "at most %.3f %% above the least there is",
        100 * (solution.error() - solution.bound()) / solution.bound());
  }

  private void row(TextTable table, String scheme) {
    Sum chosen = new Sum();
    Sum all = new Sum();
    boolean everywhere = true;
    for (int i = 0; i < units.size(); i++) {
      Unit unit = units.get(i);
      if (chosen(i).scheme().equals(scheme)) {
        chosen.add(unit, chosen(i));
      }
      var choice = unit.choices().stream().filter(c -> c.scheme().equals(scheme)).findFirst();
      choice.ifPresent(c -> all.add(unit, c));
      everywhere &= choice.isPresent();
    }
    table.row(
        scheme,
        Integer.toString(chosen.layers),
        Long.toString(chosen.weights),
        chosen.layers == 0 ? "" : chosen.bitsPerWeight(),
        chosen.layers == 0 ? "" : String.format(Locale.ROOT, "%.6g", chosen.error),
        everywhere ? all.bitsPerWeight() : "does not suit all",
        everywhere ? String.format(Locale.ROOT, "%.6g", all.error) : "");
  }

  /** Sums over groups. */
  private static final class Sum {
    private int layers;
    private long weights;
    private long bits;
    private double error;

    private void add(Unit unit, Choice choice) {
      layers += unit.modules().size();
      weights += unit.weights();
      bits += choice.bits();
      error += choice.error();
    }

    private String bitsPerWeight() {
      return String.format(Locale.ROOT, "%.4f", (double) bits / weights);
    }
  }
}
