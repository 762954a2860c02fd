package org.sparkao.gpu.train;

import java.util.Arrays;
import java.util.Map;
import org.sparkao.gpu.tensor.Parameter;

/** How large the terms are of gradients that are much smaller than these. */
final class CancellingSums {
  private CancellingSums() {}

  /**
   * What errors of gradients that are sums of terms which cancel are measured by, 0 for others.
   * Softmax does not see what all keys have in common, so that only rotation leaves a gradient to
   * the bias of keys: by that of their weight. The gradient of a scale is a sum over a matrix: by
   * the largest of the weight's times the 2-norm of the weight, as of errors of any signs.
   */
  static double terms(TrainableModel model, String name, Map<String, double[]> weights) {
    if (name.endsWith("k_proj.bias")) {
      return largestGradient(model, name.replace(".bias", ".weight"));
    }
    if (name.endsWith(".scale")) {
      String weight = name.replace(".scale", ".weight");
      double norm = Math.sqrt(Arrays.stream(weights.get(weight)).map(value -> value * value).sum());
      return largestGradient(model, weight) * norm / ScalingFakes.WEIGHT;
    }
    return 0;
  }

  private static double largestGradient(TrainableModel model, String name) {
    Parameter parameter =
        model.parameters().stream().filter(p -> p.name().equals(name)).findFirst().orElseThrow();
    return largest(InDoubles.of(parameter.gradient().toFloats()));
  }

  static double largest(double[] values) {
    return Arrays.stream(values).map(Math::abs).max().orElseThrow();
  }
}
