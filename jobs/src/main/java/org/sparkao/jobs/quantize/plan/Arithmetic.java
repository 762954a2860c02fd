package org.sparkao.jobs.quantize.plan;

import java.io.Serializable;
import java.util.List;
import java.util.Objects;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.Quantizers;
import org.sparkao.quant.algorithm.WeightAlgorithm;
import org.sparkao.quant.algorithm.WeightSpec;
import org.sparkao.quant.calibrated.ColumnGroups;
import org.sparkao.quant.checkpoint.WeightSource;
import org.sparkao.quant.pack.PackedPart;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.Schemes;

/**
 * What all weights of a run share. Travels to the executors.
 *
 * @param algorithm how codes are chosen
 * @param numerics whose arithmetic
 * @param layout names and types of the tensors
 * @param calibrated how algorithms that look at activations go about it
 */
public record Arithmetic(
    WeightAlgorithm algorithm,
    Numerics numerics,
    CheckpointLayout layout,
    CalibratedOptions calibrated)
    implements Serializable {

  /** All parts are given. */
  public Arithmetic {
    Objects.requireNonNull(algorithm, "algorithm");
    Objects.requireNonNull(numerics, "numerics");
    Objects.requireNonNull(layout, "layout");
    Objects.requireNonNull(calibrated, "calibrated");
  }

  /** With the usual options of calibrated algorithms. */
  public Arithmetic(WeightAlgorithm algorithm, Numerics numerics, CheckpointLayout layout) {
    this(algorithm, numerics, layout, CalibratedOptions.DEFAULT);
  }

  /** The tensors that a weight becomes. */
  public List<PackedPart> parts(TensorTask.Quantize task) {
    QuantizeRequest request = request(task);
    return algorithm == WeightAlgorithm.GPTQ
        ? ColumnGroups.parts(request, calibrated.order())
        : Quantizers.parts(request);
  }

  /** What is asked of the quantizer of one weight. */
  public QuantizeRequest request(TensorTask.Quantize task) {
    WeightSource weight = task.weight();
    return new QuantizeRequest(
        Schemes.parse(task.scheme()),
        layout,
        numerics,
        algorithm,
        new WeightSpec(weight.rows(), weight.columns(), weight.dtype()));
  }
}
