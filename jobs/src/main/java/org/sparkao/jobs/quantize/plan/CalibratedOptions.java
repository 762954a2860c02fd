package org.sparkao.jobs.quantize.plan;

import java.io.Serializable;
import java.util.Objects;
import org.sparkao.quant.calibrated.ActOrder;
import org.sparkao.quant.calibrated.AwqSearch.DuoScaling;
import org.sparkao.quant.calibrated.GptqOptions;
import org.sparkao.quant.calibrated.SmoothQuant;

/**
 * How the algorithms that look at activations go about it.
 *
 * @param order of the columns in GPTQ
 * @param damping of GPTQ, as a share of the mean diagonal
 * @param search for the scales of GPTQ
 * @param strength of SmoothQuant, 0 to 1
 * @param duo of AWQ
 */
public record CalibratedOptions(
    ActOrder order, double damping, ScaleSearch search, double strength, DuoScaling duo)
    implements Serializable {
  /** What the reference does when nothing is said. */
  public static final CalibratedOptions DEFAULT =
      new CalibratedOptions(
          ActOrder.STATIC,
          GptqOptions.DEFAULT_DAMPING,
          ScaleSearch.RANGE,
          SmoothQuant.DEFAULT_STRENGTH,
          DuoScaling.ON);

  /** All parts are given. */
  public CalibratedOptions {
    Objects.requireNonNull(order, "order");
    Objects.requireNonNull(search, "search");
    Objects.requireNonNull(duo, "duo");
  }

  /** Those of GPTQ. */
  public GptqOptions gptq() {
    return new GptqOptions(order, damping);
  }
}
