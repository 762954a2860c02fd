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

  /** Norms a row in place. */
  void apply(float[] row) {
    double squares = 0;
    for (float value : row) {
      squares += (double) value * value;
    }
    double root = Math.sqrt(squares / row.length + epsilon);
    for (int i = 0; i < row.length; i++) {
      double one = ReferenceNumbers.round(arithmetic, row[i] / root);
      row[i] = ReferenceNumbers.round(arithmetic, one * weight[i]);
    }
  }
}
