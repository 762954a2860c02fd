package org.sparkao.jobs.quantize.budget;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.sparkao.jobs.quantize.plan.Arithmetic;
import org.sparkao.jobs.quantize.plan.CalibrationChecks;
import org.sparkao.jobs.quantize.plan.CalibrationFolder;
import org.sparkao.jobs.quantize.plan.GivenFiles;
import org.sparkao.jobs.quantize.plan.LinearModules;
import org.sparkao.jobs.quantize.plan.QuantizePlanner;
import org.sparkao.jobs.quantize.plan.Recipe;
import org.sparkao.jobs.quantize.plan.TensorTask;
import org.sparkao.jobs.quantize.plan.TensorTask.Quantize;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.safetensors.TensorSpec;
import org.sparkao.quant.scheme.QuantScheme;

/** Chooses schemes within a number of bits from stored errors. Reads no weight. */
public final class BudgetPlanner {
  private static final int SHOWN = 3;

  private final BudgetRequest request;
  private final Map<String, List<String>> missing = new LinkedHashMap<>();
  private final Map<String, List<String>> unsuited = new HashMap<>();

  /** A planner. */
  public BudgetPlanner(BudgetRequest request) {
    this.request = request;
  }

  /**
   * The choice of least error.
   *
   * @throws QuantException when errors are missing, with the commands that make them; when not even
   *     the smallest schemes are small enough
   */
  public Budget plan(Checkpoint checkpoint, DeltaStore store) throws IOException {
    StoredErrors errors = StoredErrors.read(store, checkpoint.location(), request);
    List<Unit> units = units(checkpoint, errors);
    if (!missing.isEmpty()) {
      throw unknown(checkpoint);
    }
    if (units.isEmpty()) {
      throw new QuantException(
          checkpoint.location() + ": rules speak about every layer, so a budget decides on none");
    }
    long weights = units.stream().mapToLong(Unit::weights).sum();
    List<List<Choice>> choices = units.stream().map(Unit::choices).toList();
    long bits = (long) Math.floor(request.bitsPerWeight() * weights);
    long least = Knapsack.leastBits(choices);
    if (least > bits) {
      throw new QuantException(
          String.format(
              Locale.ROOT,
              "--budget %s: the smallest of these schemes take %.4f bits a weight, scales and all;"
                  + " give as many, or add smaller schemes to --budget-schemes",
              request.bitsPerWeight(),
              Math.ceil(1e4 * least / weights) / 1e4));
    }
    return new Budget(request, units, Knapsack.solve(choices, bits));
  }

  /** Groups of fused layers in the order of the checkpoint. */
  private List<Unit> units(Checkpoint checkpoint, StoredErrors errors) throws IOException {
    Map<String, Map<QuantScheme, List<Quantize>>> groups = new LinkedHashMap<>();
    Recipe recipe = request.recipe();
    for (QuantScheme scheme : request.schemes()) {
      Recipe with =
          new Recipe(
              Optional.of(scheme),
              recipe.rules(),
              recipe.arithmetic(),
              recipe.maxShardBytes(),
              recipe.nonFinite());
      for (TensorTask task : new QuantizePlanner(with, GivenFiles.NONE).tasks(checkpoint)) {
        if (task instanceof Quantize weight && recipe.rule(weight.module()).isEmpty()) {
          String group = LinearModules.fusedGroup(weight.module()).orElse(weight.module());
          groups
              .computeIfAbsent(group, name -> new LinkedHashMap<>())
              .computeIfAbsent(scheme, name -> new ArrayList<>())
              .add(weight);
        }
      }
    }
    List<Unit> units = new ArrayList<>();
    for (Map.Entry<String, Map<QuantScheme, List<Quantize>>> group : groups.entrySet()) {
      units.add(unit(group.getKey(), group.getValue(), errors));
    }
    return units;
  }

  private Unit unit(String name, Map<QuantScheme, List<Quantize>> bySchemes, StoredErrors errors)
      throws IOException {
    List<Choice> choices = new ArrayList<>();
    double power = power(bySchemes.values().iterator().next());
    bySchemes.forEach(
        (scheme, layers) -> choice(scheme, layers, errors, power).ifPresent(choices::add));
    List<Quantize> any = bySchemes.values().iterator().next();
    List<String> modules = any.stream().map(Quantize::module).toList();
    if (choices.isEmpty() && missing.isEmpty()) {
      throw new QuantException(
          name
              + ": none of the schemes of --budget-schemes suits its rows of "
              + any.get(0).weight().columns()
              + " weights; add one, or --skip it");
    }
    long weights =
        any.stream().mapToLong(layer -> layer.weight().rows() * layer.weight().columns()).sum();
    return new Unit(modules, weights, choices);
  }

  /**
   * Mean of x^2 of what fused layers read: independent errors of sum e in the weights make squared
   * errors of e times as much in the output of a token.
   */
  private double power(List<Quantize> layers) throws IOException {
    if (request.calibration().isEmpty()) {
      return 1;
    }
    CalibrationFolder folder = request.calibration().orElseThrow();
    CalibrationChecks.requireInputs(folder, layers);
    return folder.statistics().input(layers.get(0).module()).meanSquareOfTensor();
  }

  /** Empty for a scheme that the shapes do not suit, and for one whose errors are not known. */
  private Optional<Choice> choice(
      QuantScheme scheme, List<Quantize> layers, StoredErrors errors, double power) {
    long bits = 0;
    double error = 0;
    Arithmetic arithmetic = request.recipe().arithmetic();
    for (Quantize layer : layers) {
      try {
        bits += Byte.SIZE * layer.outputs(arithmetic).stream().mapToLong(TensorSpec::bytes).sum();
      } catch (QuantException e) {
        List<String> modules = unsuited.computeIfAbsent(scheme.name(), s -> new ArrayList<>());
        layers.forEach(fused -> modules.add(fused.module()));
        return Optional.empty();
      }
      OptionalDouble noise = errors.of(layer);
      if (noise.isEmpty()) {
        missing.computeIfAbsent(scheme.name(), s -> new ArrayList<>()).add(layer.module());
      } else {
        error += noise.getAsDouble();
      }
    }
    return Optional.of(new Choice(scheme.name(), bits, error * power));
  }

  private QuantException unknown(Checkpoint checkpoint) {
    StringBuilder text =
        new StringBuilder("--budget: the errors of these layers are not stored in ");
    text.append(request.tables()).append("; quantize once with each scheme:");
    missing.forEach(
        (scheme, modules) ->
            text.append(
                "\n  sparkao quantize --checkpoint "
                    + checkpoint.location()
                    + " --output DIR --scheme '"
                    + scheme
                    + "' --numerics "
                    + request.recipe().arithmetic().numerics().configName()
                    + " --algorithm "
                    + request.errorsOf().configName()
                    + " --tables "
                    + request.tables()
                    + skips(unsuited.getOrDefault(scheme, List.of()), modules)
                    + "    # "
                    + String.join(", ", modules.subList(0, Math.min(SHOWN, modules.size())))
                    + (modules.size() > SHOWN
                        ? " and " + (modules.size() - SHOWN) + " more"
                        : "")));
    return new QuantException(text.toString());
  }

  /** Options that leave out what a scheme does not suit, all blocks at once where that is right. */
  private static String skips(List<String> unsuited, List<String> wanted) {
    Set<String> patterns = new LinkedHashSet<>();
    for (String module : unsuited) {
      String name = module.replace(".", "\\.");
      String anyBlock = "^" + name.replaceAll("[0-9]+", "[0-9]+") + "$";
      boolean tooMuch = wanted.stream().anyMatch(Pattern.compile(anyBlock).asPredicate());
      patterns.add(tooMuch ? "^" + name + "$" : anyBlock);
    }
    return patterns.stream()
        .map(pattern -> " --skip '" + pattern + "'")
        .collect(Collectors.joining());
  }
}
