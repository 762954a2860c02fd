package org.sparkao.jobs.quantize.plan;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.sparkao.jobs.quantize.plan.TensorTask.Layer;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.algorithm.WeightAlgorithm;
import org.sparkao.quant.prune.PruneAlgorithm;
import org.sparkao.quant.prune.Sparsity;

/** Refuses weights that cannot get their zeros, and algorithms that would fill them again. */
final class SparsityChecks {
  /** Those that move errors or scales between columns by inputs of weights that have no zeros. */
  private static final Set<WeightAlgorithm> BLIND =
      Set.of(WeightAlgorithm.GPTQ, WeightAlgorithm.AWQ, WeightAlgorithm.SMOOTHQUANT);

  private final Arithmetic arithmetic;

  SparsityChecks(Arithmetic arithmetic) {
    this.arithmetic = arithmetic;
  }

  void require(List<TensorTask> tasks) {
    Sparsity sparsity = arithmetic.sparsity();
    if (sparsity.none()) {
      return;
    }
    if (BLIND.contains(arithmetic.algorithm())) {
      throw new QuantException(
          "--sparsity "
              + sparsity.pattern()
              + " with --algorithm "
              + arithmetic.algorithm().configName()
              + ": it moves weights by the inputs of the dense model, and zeros would not stay;"
              + " use --algorithm rtn, mse, percentile, histogram, hqq or imatrix");
    }
    List<String> messages = new ArrayList<>();
    for (TensorTask task : tasks) {
      if (task instanceof Layer layer) {
        check(layer, messages);
      }
    }
    if (!messages.isEmpty()) {
      throw new QuantException(String.join("\n", messages));
    }
  }

  private void check(Layer layer, List<String> messages) {
    Sparsity sparsity = arithmetic.sparsity();
    long columns = layer.weight().columns();
    String where = layer.tensor().entry().name() + " in " + layer.tensor().file();
    if (sparsity.pattern().grouped() && columns % sparsity.pattern().group() != 0) {
      messages.add(
          where
              + ": rows of "
              + columns
              + " weights are not multiples of "
              + sparsity.pattern().group()
              + " (--sparsity "
              + sparsity.pattern()
              + "); use a share such as --sparsity 0.5, or --skip the module");
    }
    boolean whole =
        !sparsity.pattern().grouped() && sparsity.algorithm() == PruneAlgorithm.SPARSEGPT;
    if (whole
        && Math.multiplyExact(layer.weight().rows(), layer.weight().dtype().bytes(columns))
            > Integer.MAX_VALUE - 64) {
      messages.add(
          where
              + ": ["
              + layer.weight().rows()
              + ", "
              + columns
              + "] is too large for sparsegpt to choose a share of the whole weight; use --sparsity 2:4"
              + " or 4:8, or --sparsity-algorithm wanda");
    }
  }
}
