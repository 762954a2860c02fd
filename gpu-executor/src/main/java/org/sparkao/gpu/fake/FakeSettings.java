package org.sparkao.gpu.fake;

import java.util.Objects;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.WeightAlgorithm;
import org.sparkao.quant.algorithm.WeightSpec;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.QuantScheme;

/**
 * What all fake quantizers of a run share.
 *
 * @param numerics whose arithmetic
 * @param stored the type in which trained weights will be stored, BF16, F16 or F32: scales inherit
 *     it, and weights are rounded to it before they are quantized
 * @param ranges where the scales of weights come from
 */
public record FakeSettings(Numerics numerics, DType stored, Ranges ranges) {

  /** Where the scales of weights come from. */
  public enum Ranges {
    /** From the weights, anew at each step. */
    COMPUTED,
    /**
     * Learned, gradients times 1 / sqrt(N Q): N weights share the scale, Q is the largest code
     * (Esser et al. 2020, section 2.2; zero points as Bhalgat et al. 2020).
     */
    LEARNED_STEP,
    /** Learned, gradients as they are: range learning of torchao, zero points as EfficientQAT. */
    LEARNED
  }

  /** All parts are given. */
  public FakeSettings {
    Objects.requireNonNull(numerics, "numerics");
    Objects.requireNonNull(stored, "stored");
    Objects.requireNonNull(ranges, "ranges");
  }

  /** What {@code quantize} is asked for a weight of [rows, columns]. */
  QuantizeRequest request(QuantScheme scheme, long rows, long columns) {
    return new QuantizeRequest(
        scheme,
        CheckpointLayout.COMPRESSED_TENSORS,
        numerics,
        WeightAlgorithm.RTN,
        new WeightSpec(rows, columns, stored));
  }
}
