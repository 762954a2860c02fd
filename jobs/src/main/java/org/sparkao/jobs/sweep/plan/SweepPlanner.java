package org.sparkao.jobs.sweep.plan;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.sparkao.jobs.calibrate.CalibrateJob;
import org.sparkao.jobs.calibrate.plan.CalibrationPlan;
import org.sparkao.jobs.evaluate.EvaluateJob;
import org.sparkao.jobs.evaluate.plan.EvaluatePlan;
import org.sparkao.jobs.evaluate.plan.PlannedItem;
import org.sparkao.jobs.evaluate.plan.Sha256;
import org.sparkao.jobs.evaluate.run.MetricNames;
import org.sparkao.jobs.job.Failures;
import org.sparkao.jobs.job.JobCalls;
import org.sparkao.jobs.quantize.QuantizeJob;
import org.sparkao.jobs.storage.CheckpointLocation;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.sweep.plan.Expansion.Combination;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.algorithm.WeightAlgorithm;
import org.sparkao.quant.algorithm.WeightAlgorithm.Needs;
import org.sparkao.quant.checkpoint.Checkpoint;

/**
 * Makes the plan out of headers, data and text; no weight is read. What one cell cannot do is its
 * refusal, what no cell could do ends the sweep.
 */
public final class SweepPlanner {
  private static final String CHECKPOINT = "checkpoint";
  private static final String DATA = "data";

  private final JobCalls jobs;
  private final Storage storage;
  private final BundledFiles files;
  private final Map<List<Object>, Planned<PlannedTask>> tasks = new HashMap<>();
  private final Map<List<Object>, Planned<Optional<PlannedCalibration>>> calibrations =
      new HashMap<>();
  private final Map<PlannedRecipe, Optional<String>> refusals = new HashMap<>();

  /**
   * A planner.
   *
   * @param jobs the other jobs
   * @param files where bundled files are
   */
  public SweepPlanner(JobCalls jobs, Storage storage, BundledFiles files) {
    this.jobs = jobs;
    this.storage = storage;
    this.files = files;
  }

  /** A part of the plan, or why there is none. */
  private record Planned<T>(Optional<T> part, Optional<String> refusal) {}

  /** What makes a part of the plan. */
  @FunctionalInterface
  private interface Making<T> {
    /** Makes it. */
    T make() throws Exception;
  }

  /**
   * The plan.
   *
   * @throws QuantException for options that no job has, and when every cell is refused
   */
  public SweepPlan plan(SweepDefinition definition, String output) throws Exception {
    Map<String, PlannedModel> models = new LinkedHashMap<>();
    for (AxisValue model : definition.values(Axis.MODEL)) {
      models.put(model.name(), model(model));
    }
    List<PlannedCell> cells = new ArrayList<>();
    for (Combination combination : new Expansion(definition).combinations()) {
      cells.add(cell(combination, models.get(combination.place().model())));
    }
    if (cells.stream().allMatch(cell -> cell.refusal().isPresent())) {
      throw new QuantException(
          "sweep "
              + definition.name()
              + ": no cell can be computed; of the first: "
              + cells.get(0).refusal().orElseThrow());
    }
    return new SweepPlan(definition, output, List.copyOf(models.values()), cells);
  }

  private PlannedModel model(AxisValue model) throws Exception {
    String location = files.locate(model.value());
    Planned<Checkpoint> checkpoint = planned(() -> CheckpointLocation.of(location).open(storage));
    return new PlannedModel(
        model.name(),
        checkpoint.part().map(CheckpointLocation.of(location)::uri).orElse(location),
        checkpoint.part().map(Checkpoint::fingerprint).orElse(""),
        checkpoint.part().map(Checkpoint::totalBytes).orElse(0L),
        checkpoint.refusal().orElse(""));
  }

  private PlannedCell cell(Combination combination, PlannedModel model) throws Exception {
    AxisValue scheme = combination.values().get(Axis.SCHEME);
    AxisValue algorithm = combination.values().get(Axis.ALGORITHM);
    Map<String, List<String>> quantize = new TreeMap<>();
    if (!scheme.value().equals(AxisValue.NONE)) {
      quantize.putAll(combination.options().quantize());
      quantize.put("scheme", List.of(scheme.value()));
      quantize.put("algorithm", List.of(algorithm.value()));
      jobs.settings(new QuantizeJob(), quantize);
    }
    Map<String, List<String>> evaluate = located(combination.options().evaluate());
    evaluate.put("tasks", List.of(combination.values().get(Axis.TASK).value()));
    jobs.settings(new EvaluateJob(), evaluate);
    Map<String, List<String>> calibrate = located(combination.options().calibrate());
    jobs.settings(new CalibrateJob(), calibrate);
    if (!model.refusal().isEmpty()) {
      PlannedRecipe recipe =
          new PlannedRecipe(model, scheme.value(), algorithm.value(), quantize, Optional.empty());
      return new PlannedCell(
          combination.place(), recipe, Optional.empty(), Optional.of(model.refusal()));
    }
    Planned<Optional<PlannedCalibration>> calibration =
        calibration(model, algorithm.value(), calibrate);
    PlannedRecipe recipe =
        new PlannedRecipe(
            model,
            scheme.value(),
            algorithm.value(),
            quantize,
            calibration.part().orElse(Optional.empty()));
    Planned<PlannedTask> task = task(model, combination.values().get(Axis.TASK).metric(), evaluate);
    return new PlannedCell(
        combination.place(),
        recipe,
        task.part(),
        calibration.refusal().or(() -> refusal(recipe)).or(task::refusal));
  }

  private Map<String, List<String>> located(Map<String, List<String>> options) throws IOException {
    Map<String, List<String>> located = new TreeMap<>(options);
    if (options.containsKey(DATA)) {
      located.put(DATA, List.of(files.locate(options.get(DATA).get(0))));
    }
    return located;
  }

  private Planned<PlannedTask> task(
      PlannedModel model, String metric, Map<String, List<String>> options) {
    return tasks.computeIfAbsent(
        List.of(model, metric, options),
        key ->
            planned(
                () -> {
                  Map<String, List<String>> all = new TreeMap<>(options);
                  all.put(CHECKPOINT, List.of(model.location()));
                  EvaluateJob job = new EvaluateJob();
                  return task(job.plan(jobs.settings(job, all)), metric, options);
                }));
  }

  private static PlannedTask task(
      EvaluatePlan plan, String metric, Map<String, List<String>> options) {
    if (plan.tasks().size() != 1) {
      throw new QuantException(
          "tasks: "
              + options.get("tasks").get(0)
              + ": a value is one task; name several in a list");
    }
    List<String> metrics = plan.tasks().get(0).scores().stream().map(MetricNames::of).toList();
    if (!metric.isEmpty() && !metrics.contains(metric)) {
      throw new QuantException(
          "metric "
              + metric
              + ": task "
              + plan.tasks().get(0).name()
              + " has "
              + String.join(", ", metrics));
    }
    Sha256 hash = new Sha256();
    for (PlannedItem item : plan.items()) {
      hash.line(item.hash()).line(item.promptHash());
    }
    return new PlannedTask(
        plan.tasks().get(0).name(),
        plan.tasks().get(0).version(),
        metric.isEmpty() ? metrics.get(0) : metric,
        hash.hex(),
        plan.items().size(),
        plan.items().stream().mapToLong(item -> item.work().tokens()).sum(),
        options);
  }

  private Planned<Optional<PlannedCalibration>> calibration(
      PlannedModel model, String algorithm, Map<String, List<String>> options) {
    Needs needs =
        Arrays.stream(WeightAlgorithm.values())
            .filter(known -> known.configName().equals(algorithm))
            .map(WeightAlgorithm::needs)
            .findFirst()
            .orElse(Needs.NOTHING);
    if (needs == Needs.NOTHING) {
      return new Planned<>(Optional.of(Optional.empty()), Optional.empty());
    }
    Map<String, List<String>> all = new TreeMap<>(options);
    all.put("hessian", List.of(Boolean.toString(needs == Needs.INPUT_PRODUCTS)));
    return calibrations.computeIfAbsent(
        List.of(model, all),
        key ->
            planned(
                () -> {
                  Map<String, List<String>> asked = new TreeMap<>(all);
                  asked.put(CHECKPOINT, List.of(model.location()));
                  CalibrateJob job = new CalibrateJob();
                  CalibrationPlan plan = job.plan(jobs.settings(job, asked));
                  return Optional.of(new PlannedCalibration(all, text(plan)));
                }));
  }

  private static String text(CalibrationPlan plan) {
    return plan.sha256()
        + " "
        + plan.options().samples()
        + " "
        + plan.options().sequenceLength()
        + " "
        + plan.options().groups()
        + " "
        + new TreeMap<>(plan.options().named());
  }

  /** Statistics are not there yet: rounding to nearest has the same shapes. */
  private Optional<String> refusal(PlannedRecipe recipe) {
    return refusals.computeIfAbsent(
        recipe,
        key ->
            recipe.isQuantized()
                ? planned(
                        () -> {
                          Map<String, List<String>> options = new TreeMap<>(recipe.options());
                          options.put(CHECKPOINT, List.of(recipe.model().location()));
                          options.put("dry-run", List.of("true"));
                          if (recipe.calibration().isPresent()) {
                            options.put("algorithm", List.of("rtn"));
                          }
                          return jobs.speak(new QuantizeJob(), options);
                        })
                    .refusal()
                : Optional.empty());
  }

  private static <T> Planned<T> planned(Making<T> making) {
    try {
      return new Planned<>(Optional.of(making.make()), Optional.empty());
    } catch (Exception e) {
      if (e instanceof RuntimeException failure && !Failures.isRefusal(e)) {
        throw failure;
      }
      return new Planned<>(Optional.empty(), Optional.of(Failures.text(e)));
    }
  }
}
