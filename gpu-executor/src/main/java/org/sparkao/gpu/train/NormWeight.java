package org.sparkao.gpu.train;

import java.util.Objects;
import java.util.Optional;
import org.sparkao.gpu.tensor.Tensor;

/**
 * An RMSNorm (Zhang and Sennrich 2019): y = weight * x / sqrt(mean(x^2) + epsilon).
 *
 * @param weight [1, columns]
 * @param gradient the same; absent when the weight is not trained
 * @param epsilon as in config.json
 */
public record NormWeight(Tensor weight, Optional<Tensor> gradient, float epsilon) {
  /** All parts are given. */
  public NormWeight {
    Objects.requireNonNull(weight, "weight");
    Objects.requireNonNull(gradient, "gradient");
  }
}
