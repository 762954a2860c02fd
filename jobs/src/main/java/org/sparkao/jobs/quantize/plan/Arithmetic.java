package org.sparkao.jobs.quantize.plan;

import java.io.Serializable;
import java.util.List;
import java.util.Objects;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.Quantizers;
import org.sparkao.quant.algorithm.WeightAlgorithm;
import org.sparkao.quant.algorithm.WeightAlgorithm.Needs;
import org.sparkao.quant.algorithm.WeightSpec;
import org.sparkao.quant.calibrated.ColumnGroups;
import org.sparkao.quant.checkpoint.WeightSource;
import org.sparkao.quant.pack.PackedPart;
import org.sparkao.quant.prune.Sparsity;
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
 * @param sparsity which weights become zero before anything else is done with them
 */
public record Arithmetic(
    WeightAlgorithm algorithm,
    Numerics numerics,
    CheckpointLayout layout,
    CalibratedOptions calibrated,
    Sparsity sparsity)
    implements Serializable {

  /** All parts are given. */
  public Arithmetic {
    Objects.requireNonNull(algorithm, "algorithm");
    Objects.requireNonNull(numerics, "numerics");
    Objects.requireNonNull(layout, "layout");
    Objects.requireNonNull(calibrated, "calibrated");
    Objects.requireNonNull(sparsity, "sparsity");
  }

  /** Of weights that stay dense. */
  public Arithmetic(
      WeightAlgorithm algorithm,
      Numerics numerics,
      CheckpointLayout layout,
      CalibratedOptions calibrated) {
    this(algorithm, numerics, layout, calibrated, Sparsity.NONE);
  }

  /** With the usual options of calibrated algorithms. */
  public Arithmetic(WeightAlgorithm algorithm, Numerics numerics, CheckpointLayout layout) {
    this(algorithm, numerics, layout, CalibratedOptions.DEFAULT);
  }

  /** Whether something must be known of the inputs of linear layers. */
  public boolean needsInputs() {
    return algorithm.needs() != Needs.NOTHING || prunesBy() != Needs.NOTHING;
  }

  /** Whether X^T X must be known. */
  public boolean needsProducts() {
    return algorithm.needs() == Needs.INPUT_PRODUCTS || prunesBy() == Needs.INPUT_PRODUCTS;
  }

  /** What choosing zeros needs to know of inputs. */
  public Needs prunesBy() {
    return sparsity.none() ? Needs.NOTHING : sparsity.algorithm().needs();
  }

  /** The text of before there was sparsity where there is none: it is part of fingerprints. */
  @Override
  public String toString() {
    return "Arithmetic[algorithm="
        + algorithm
        + ", numerics="
        + numerics
        + ", layout="
        + layout
        + ", calibrated="
        + calibrated
        + (sparsity.none() ? "]" : ", sparsity=" + sparsity.text() + "]");
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
