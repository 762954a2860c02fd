package org.sparkao.jobs.quantize.plan;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.sparkao.jobs.quantize.plan.TensorTask.Layer;
import org.sparkao.jobs.quantize.plan.TensorTask.Quantize;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.algorithm.QuantizeRequest;
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
    if (!arithmetic.needsInputs()) {
      return;
    }
    CalibrationFolder folder = calibration.orElseThrow(this::uncalibrated);
    List<Layer> layers =
        tasks.stream().filter(Layer.class::isInstance).map(Layer.class::cast).toList();
    List<Quantize> weights =
        tasks.stream().filter(Quantize.class::isInstance).map(Quantize.class::cast).toList();
    requireInputs(folder, layers);
    if (arithmetic.needsProducts()) {
      requireProducts(folder);
    }
    if (arithmetic.prunesBy() == Needs.INPUT_PRODUCTS) {
      layers.forEach(CalibrationChecks::requireFit);
    }
    requireRecipe(folder, weights);
    requireSchemes(weights);
  }

  /** Refuses what needs no look at a calibration. */
  void requireSchemes(List<Quantize> weights) {
    if (arithmetic.algorithm().needs() == Needs.INPUT_PRODUCTS) {
      weights.forEach(CalibrationChecks::requireFit);
    }
    if (arithmetic.algorithm() == WeightAlgorithm.GPTQ) {
      for (Quantize weight : weights) {
        QuantizeRequest request = arithmetic.request(weight);
        requireOrder(weight, request);
        // Refuses schemes that leave the search of scales nothing to do.
        Quantizers.parts(request.with(arithmetic.calibrated().search().algorithm()));
      }
    }
  }

  /** Inputs of a model that was quantized on the way are those of that quantization alone. */
  private void requireRecipe(CalibrationFolder folder, List<Quantize> weights) {
    String made = folder.statistics().info().options().get(CalibrationInfo.SEQUENTIAL);
    if (made == null) {
      return;
    }
    String asked =
        arithmetic.algorithm() == WeightAlgorithm.GPTQ
            ? GptqRecipe.text(arithmetic, weights)
            : "algorithm " + arithmetic.algorithm().configName();
    if (!made.equals(asked)) {
      throw new QuantException(
          folder.location()
              + ": was made by calibrate --sequential for "
              + made
              + ", and what is asked for is "
              + asked
              + "; give quantize the same scheme, rules and options of gptq, or calibrate for"
              + " these");
    }
  }

  /**
   * Refuses statistics that do not know the inputs of these weights, and broken ones.
   *
   * @throws QuantException naming the folder, the module and what is wrong with it
   */
  public static void requireInputs(CalibrationFolder folder, List<? extends Layer> weights) {
    requireModules(folder, weights);
    try {
      folder
          .statistics()
          .eachInput(
              weights.stream().map(Layer::module).toList(),
              (module, input) -> requireNumbers(folder, module, input));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private QuantException uncalibrated() {
    boolean pruning = arithmetic.algorithm().needs() == Needs.NOTHING;
    return new QuantException(
        (pruning ? "--sparsity-algorithm " : "algorithm ")
            + name()
            + " needs to know the inputs of linear layers: run calibrate"
            + (arithmetic.needsProducts() ? " with --hessian" : "")
            + " and give its --output as --calibration, or use "
            + (pruning ? "--sparsity-algorithm magnitude" : "--algorithm rtn or mse"));
  }

  /** Of what looks at inputs. */
  private String name() {
    return arithmetic.algorithm().needs() == Needs.NOTHING
        ? arithmetic.sparsity().algorithm().configName()
        : arithmetic.algorithm().configName();
  }

  private static void requireModules(CalibrationFolder folder, List<? extends Layer> weights) {
    List<String> missing = new ArrayList<>();
    for (Layer weight : weights) {
      OptionalInt columns = folder.statistics().columns(weight.module());
      if (columns.isEmpty()) {
        missing.add(weight.module());
      } else if (columns.getAsInt() != weight.weight().columns()) {
        throw new QuantException(
            weight.tensor().entry().name()
                + " in "
                + weight.tensor().file()
                + ": has rows of "
                + weight.weight().columns()
                + ", but "
                + folder.location()
                + " saw inputs of "
                + columns.getAsInt()
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

  private void requireProducts(CalibrationFolder folder) {
    if (!folder.statistics().info().has(CalibrationInfo.HESSIAN)) {
      throw new QuantException(
          folder.location()
              + ": has no second moments of inputs, which algorithm "
              + name()
              + " needs; run calibrate again with --hessian");
    }
  }

  private static void requireFit(Layer weight) {
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

  private void requireOrder(Quantize weight, QuantizeRequest request) {
    boolean groups = request.scheme().weights().granularity() instanceof Granularity.PerGroup;
    if (arithmetic.calibrated().order() == ActOrder.GROUP
        && groups
        && !ColumnGroups.stored(request, ActOrder.GROUP)) {
      throw new QuantException(
          weight.module()
              + ": scheme "
              + weight.scheme()
              + " in layout "
              + request.layout().configName()
              + " has no place for the groups of --act-order group, which only packed integers of"
              + " layout compressed-tensors have; use --act-order static");
    }
  }

  private static void requireNumbers(
      CalibrationFolder folder, String module, CalibratedInput input) {
    String what = folder.location() + ": input of " + module;
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
