package org.sparkao.gpu.model;

import java.nio.ByteBuffer;
import org.sparkao.quant.format.WeightType;

/** RMSNorm of rows, sums in double, rounded as transformers does. */
final class ReferenceNorm {
  private final float[] weight;
  private final float epsilon;
  private final Arithmetic arithmetic;

  ReferenceNorm(ProjectionSpec.Norm norm, Arithmetic arithmetic) {
    ByteBuffer stored = norm.weight().bytes().get();
    byte[] bytes = new byte[stored.remaining()];
    stored.get(bytes);
    WeightType type = WeightType.valueOf(norm.weight().dtype().name());
    this.weight = new float[bytes.length / type.bytes()];
    for (int i = 0; i < weight.length; i++) {
      weight[i] = ReferenceNumbers.round(arithmetic, type.read(bytes, i * type.bytes()));
    }
    this.epsilon = norm.epsilon();
    this.arithmetic = arithmetic;
  }

  ReferenceNorm(float[] weight, float epsilon, Arithmetic arithmetic) {
    this.weight = weight;
    this.epsilon = epsilon;
    this.arithmetic = arithmetic;
  }

  /** [K], numbers of the arithmetic; not to be written. */
  float[] weight() {
    return weight;
  }

  /** Norms a row in place. */
  void apply(float[] row) {
    apply(row, 0);
  }

  /** Norms a row in place that begins at {@code first}. */
  void apply(float[] rows, int first) {
    double squares = 0;
    for (int i = 0; i < weight.length; i++) {
      squares += (double) rows[first + i] * rows[first + i];
    }
    double root = Math.sqrt(squares / weight.length + epsilon);
    for (int i = 0; i < weight.length; i++) {
      double one = ReferenceNumbers.round(arithmetic, rows[first + i] / root);
      rows[first + i] = ReferenceNumbers.round(arithmetic, one * weight[i]);
    }
  }
}
