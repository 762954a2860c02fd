package org.sparkao.jobs.quantize.plan;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;
import org.sparkao.jobs.evaluate.plan.Sha256;
import org.sparkao.jobs.quantize.plan.TensorTask.Quantize;

/**
 * What a calibration says that quantized the model as it went: equal texts, equal codes of equal
 * second moments.
 */
public final class GptqRecipe {
  private static final int SHOWN = 12;

  private GptqRecipe() {}

  /** The recipe of these weights, for people, and a hash of what becomes of each. */
  public static String text(Arithmetic arithmetic, Collection<Quantize> weights) {
    CalibratedOptions options = arithmetic.calibrated();
    List<Quantize> sorted =
        weights.stream().sorted(Comparator.comparing(Quantize::module)).toList();
    Sha256 hash = new Sha256();
    sorted.forEach(weight -> hash.line(weight.module() + " " + weight.scheme()));
    String schemes =
        sorted.stream().map(Quantize::scheme).distinct().collect(Collectors.joining(" and "));
    return "gptq, "
        + schemes
        + ", order "
        + options.order().configName()
        + ", damping "
        + options.damping()
        + ", scales by "
        + options.search().configName()
        + ", "
        + arithmetic.numerics().configName()
        + ", "
        + arithmetic.layout().configName()
        + ", "
        + sorted.size()
        + " layers "
        + hash.hex().substring(0, SHOWN);
  }
}
