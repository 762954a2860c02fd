package org.sparkao.jobs.quantize.run;

import java.io.IOException;
import java.util.Optional;
import org.sparkao.jobs.quantize.plan.Arithmetic;
import org.sparkao.jobs.quantize.plan.TensorTask.Layer;
import org.sparkao.quant.calibrated.ActOrder;
import org.sparkao.quant.calibrated.CpuGptq;
import org.sparkao.quant.calibrated.Gptq.Prepared;
import org.sparkao.quant.calibrated.GptqOptions;
import org.sparkao.quant.calibrated.GptqReport;
import org.sparkao.quant.calibrated.SparseGpt;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.prune.PruneAlgorithm;
import org.sparkao.quant.prune.Pruner;
import org.sparkao.quant.prune.ScorePruner;
import org.sparkao.quant.prune.Sparsity;
import org.sparkao.quant.prune.WeightPruner;

/**
 * Chooses the zeros of the weights of a file, on the processor. Keeps what depends on inputs alone
 * for the next layer of the same input, which follows in the same unit. For one thread, which
 * closes it.
 */
final class Pruning implements AutoCloseable {
  private final Sparsity sparsity;
  private final double damping;
  private final Optional<CalibratedWeights.Inputs> inputs;
  private Optional<Held> held = Optional.empty();

  /** What was made of an input. */
  private record Held(String input, Prepared prepared) {}

  /**
   * Of some file.
   *
   * @param inputs of its layers, where the algorithm looks at them
   */
  Pruning(Arithmetic arithmetic, Optional<CalibratedWeights.Inputs> inputs) {
    this.sparsity = arithmetic.sparsity();
    this.damping = arithmetic.calibrated().damping();
    this.inputs = inputs;
  }

  /** A pruner for one pass over the rows of a weight, in order; empty where it stays dense. */
  Optional<WeightPruner> of(Layer layer) throws IOException {
    if (sparsity.none()) {
      return Optional.empty();
    }
    int columns = Math.toIntExact(layer.weight().columns());
    WeightType type = WeightType.valueOf(layer.weight().dtype().name());
    return Optional.of(new WeightPruner(pruner(layer.module(), columns), type, columns));
  }

  private Pruner pruner(String module, int columns) throws IOException {
    return switch (sparsity.algorithm()) {
      case MAGNITUDE -> ScorePruner.magnitude(sparsity.pattern(), columns);
      case WANDA -> ScorePruner.wanda(sparsity.pattern(), inputs.orElseThrow().meanSquare(module));
      case SPARSEGPT -> new SparseGpt(sparsity.pattern(), prepared(module));
    };
  }

  private Prepared prepared(String module) throws IOException {
    String input = inputs.orElseThrow().name(module);
    if (held.isEmpty() || !held.get().input().equals(input)) {
      close();
      GptqOptions options = new GptqOptions(ActOrder.NONE, damping);
      Prepared prepared = new CpuGptq().prepare(inputs.orElseThrow().products(module), options);
      held = Optional.of(new Held(input, prepared));
    }
    return held.get().prepared();
  }

  /** What did not go as it was asked for, for the weight whose rows were taken last. */
  String fallback(WeightPruner pruner) {
    StringBuilder text = new StringBuilder();
    if (sparsity.algorithm() == PruneAlgorithm.SPARSEGPT) {
      GptqReport report = held.orElseThrow().prepared().report();
      if (report.roundedToNearest()) {
        text.append("sparsegpt: no Cholesky factor at any damping, pruned by magnitude");
      } else if (report.damping() != damping) {
        text.append("sparsegpt: no Cholesky factor at damping ")
            .append(damping)
            .append(", raised to ")
            .append(report.damping());
      }
    }
    long rows = pruner.statistics().nonFiniteRows();
    if (rows > 0) {
      text.append(text.length() == 0 ? "" : "; ")
          .append(rows)
          .append(" rows with NaN or infinities not pruned");
    }
    return text.toString();
  }

  @Override
  public void close() {
    held.ifPresent(one -> one.prepared().close());
    held = Optional.empty();
  }
}
