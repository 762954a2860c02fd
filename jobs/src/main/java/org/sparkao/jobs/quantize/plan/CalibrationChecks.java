package org.sparkao.jobs.quantize.plan;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.sparkao.jobs.quantize.plan.TensorTask.Quantize;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.algorithm.Quantizers;
import org.sparkao.quant.algorithm.WeightAlgorithm;
import org.sparkao.quant.algorithm.WeightAlgorithm.Needs;
import org.sparkao.quant.calibrated.ActOrder;
import org.sparkao.quant.calibrated.ColumnGroups;
import org.sparkao.quant.calibration.CalibratedInput;
import org.sparkao.quant.calibration.CalibrationInfo;
import org.sparkao.quant.dense.InverseFactor;
import org.sparkao.quant.scheme.Granularity;

/** Refuses statistics that an algorithm cannot use, and algorithms that have none. */
public final class CalibrationChecks {
  private static final int SHOWN = 10;

  private final Arithmetic arithmetic;
  private final Optional<CalibrationFolder> calibration;

  CalibrationChecks(Arithmetic arithmetic, Optional<CalibrationFolder> calibration) {
    this.arithmetic = arithmetic;
    this.calibration = calibration;
  }

  void require(List<TensorTask> tasks) {
    if (arithmetic.algorithm().needs() == Needs.NOTHING) {
      return;
    }
    CalibrationFolder folder = calibration.orElseThrow(this::uncalibrated);
    List<Quantize> weights =
        tasks.stream().filter(Quantize.class::isInstance).map(Quantize.class::cast).toList();
    requireInputs(folder, weights);
    if (arithmetic.algorithm().needs() == Needs.INPUT_PRODUCTS) {
      requireProducts(folder, weights);
    }
    if (arithmetic.algorithm() == WeightAlgorithm.GPTQ) {
      for (Quantize weight : weights) {
        requireOrder(weight);
        // Refuses schemes that leave the search of scales nothing to do.
        Quantizers.parts(
            arithmetic.request(weight).with(arithmetic.calibrated().search().algorithm()));
      }
    }
  }

  /**
   * Refuses statistics that do not know the inputs of these weights, and broken ones.
   *
   * @throws QuantException naming the folder, the module and what is wrong with it
   */
  public static void requireInputs(CalibrationFolder folder, List<Quantize> weights) {
    requireModules(folder, weights);
    Set<String> seen = new HashSet<>();
    for (Quantize weight : weights) {
      if (seen.add(folder.statistics().inputOf(weight.module()).orElseThrow())) {
        requireNumbers(folder, weight);
      }
    }
  }

  private QuantException uncalibrated() {
    return new QuantException(
        "algorithm "
            + arithmetic.algorithm().configName()
            + " needs to know the inputs of linear layers: run calibrate"
            + (arithmetic.algorithm().needs() == Needs.INPUT_PRODUCTS ? " with --hessian" : "")
            + " and give its --output as --calibration, or use --algorithm rtn or mse");
  }

  private static void requireModules(CalibrationFolder folder, List<Quantize> weights) {
    List<String> missing = new ArrayList<>();
    for (Quantize weight : weights) {
      if (folder.statistics().inputOf(weight.module()).isEmpty()) {
        missing.add(weight.module());
        continue;
      }
      int columns = columns(folder.statistics().info(), weight.module());
      if (columns != weight.weight().columns()) {
        throw new QuantException(
            weight.tensor().entry().name()
                + " in "
                + weight.tensor().file()
                + ": has rows of "
                + weight.weight().columns()
                + ", but "
                + folder.location()
                + " saw inputs of "
                + columns
                + " ("
                + folder.statistics().info().checkpoint().location()
                + " was calibrated); calibrate this checkpoint");
      }
    }
    if (!missing.isEmpty()) {
      throw new QuantException(
          folder.location()
              + ": "
              + missing.size()
              + " modules were not calibrated: "
              + String.join(", ", missing.subList(0, Math.min(SHOWN, missing.size())))
              + (missing.size() > SHOWN ? ", ..." : "")
              + "; calibrate this checkpoint, or --skip them");
    }
  }

  private static int columns(CalibrationInfo info, String module) {
    return info.blocks().stream()
        .flatMap(block -> block.inputs().stream())
        .filter(input -> input.modules().contains(module))
        .findFirst()
        .orElseThrow()
        .columns();
  }

  private void requireProducts(CalibrationFolder folder, List<Quantize> weights) {
    if (!folder.statistics().info().has(CalibrationInfo.HESSIAN)) {
      throw new QuantException(
          folder.location()
              + ": has no second moments of inputs, which algorithm "
              + arithmetic.algorithm().configName()
              + " needs; run calibrate again with --hessian");
    }
    for (Quantize weight : weights) {
      if (!InverseFactor.fits(weight.weight().columns())) {
        throw new QuantException(
            weight.module()
                + " in "
                + weight.tensor().file()
                + ": second moments of "
                + weight.weight().columns()
                + " inputs do not fit in memory; --skip the module, or use --algorithm imatrix");
      }
    }
  }

  private void requireOrder(Quantize weight) {
    boolean groups =
        arithmetic.request(weight).scheme().weights().granularity() instanceof Granularity.PerGroup;
    if (arithmetic.calibrated().order() == ActOrder.GROUP
        && groups
        && !ColumnGroups.stored(arithmetic.request(weight), ActOrder.GROUP)) {
      throw new QuantException(
          weight.module()
              + ": scheme "
              + weight.scheme()
              + " has no place for the groups of --act-order group, which only packed integers"
              + " have; use --act-order static");
    }
  }

  private static void requireNumbers(CalibrationFolder folder, Quantize weight) {
    CalibratedInput input;
    try {
      input = folder.statistics().input(weight.module());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    String what = folder.location() + ": input of " + weight.module();
    if (input.tokens() == 0 || input.deadChannels() == input.columns()) {
      throw new QuantException(
          what
              + (input.tokens() == 0 ? ": no token reached it" : ": was always zero")
              + "; calibrate with more text or a larger --expert-tokens, or --skip the module");
    }
    for (int j = 0; j < input.columns(); j++) {
      if (!(input.meanSquare()[j] <= Float.MAX_VALUE) || !(input.amax()[j] <= Float.MAX_VALUE)) {
        throw new QuantException(
            what
                + ": channel "
                + j
                + " has mean square "
                + input.meanSquare()[j]
                + " and largest magnitude "
                + input.amax()[j]
                + "; the model or the text is broken there: calibrate again, or --skip the module");
      }
    }
  }
}
