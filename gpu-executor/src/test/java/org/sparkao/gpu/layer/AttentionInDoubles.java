package org.sparkao.gpu.layer;

import java.util.Arrays;

/**
 * The layer in plain loops of doubles, which round nothing between its steps and share no code with
 * the operators. Its cache is bf16.
 */
final class AttentionInDoubles {
  private final AttentionCase data;
  private final HeadShape heads;
  private final float[] keys;
  private final float[] values;

  /** With a cache of [sequences, capacity, key heads, dimension]. */
  AttentionInDoubles(AttentionCase data, float[] keys, float[] values) {
    this.data = data;
    this.heads = data.shape.heads();
    this.keys = keys;
    this.values = values;
  }

  /** What attention adds to a row of x. */
  double[] added(int row) {
    int hidden = data.shape.hidden();
    double[] x = new double[hidden];
    Arrays.setAll(x, i -> data.x[row * hidden + i]);
    double[] qkv = data.qkv.times(normed(x, data.inputNorm));
    for (int head = 0; head < heads.queryHeads() + heads.keyHeads(); head++) {
      rotate(qkv, head * heads.dimension(), data.lengths[row] - 1);
    }
    double[] attended = new double[heads.queryElements()];
    for (int head = 0; head < heads.queryHeads(); head++) {
      attend(qkv, row, head, attended);
    }
    return data.output.times(attended);
  }

  static double[] normed(double[] x, float[] weight) {
    double squares = Arrays.stream(x).map(value -> value * value).sum();
    double root = Math.sqrt(squares / x.length + AttentionCase.EPSILON);
    double[] y = new double[x.length];
    Arrays.setAll(y, i -> x[i] / root * weight[i]);
    return y;
  }

  private void rotate(double[] qkv, int first, int position) {
    int half = heads.dimension() / 2;
    for (int i = 0; i < half; i++) {
      double cosine = data.cosines[position * half + i];
      double sine = data.sines[position * half + i];
      double low = qkv[first + i];
      double high = qkv[first + half + i];
      qkv[first + i] = low * cosine - high * sine;
      qkv[first + half + i] = high * cosine + low * sine;
    }
  }

  private void attend(double[] qkv, int row, int head, double[] out) {
    int dimension = heads.dimension();
    int keyHead = head / heads.ratio();
    int ownKey = (heads.queryHeads() + keyHead) * dimension;
    int ownValue = ownKey + heads.keyHeads() * dimension;
    int length = data.lengths[row];
    double[] weights = new double[length];
    for (int position = 0; position < length; position++) {
      for (int i = 0; i < dimension; i++) {
        double key =
            position == length - 1 ? qkv[ownKey + i] : keys[at(row, position, keyHead) + i];
        weights[position] += qkv[head * dimension + i] * key / Math.sqrt(dimension);
      }
    }
    double largest = Arrays.stream(weights).max().orElseThrow();
    Arrays.setAll(weights, i -> Math.exp(weights[i] - largest));
    double sum = Arrays.stream(weights).sum();
    for (int position = 0; position < length; position++) {
      for (int i = 0; i < dimension; i++) {
        double value =
            position == length - 1 ? qkv[ownValue + i] : values[at(row, position, keyHead) + i];
        out[head * dimension + i] += weights[position] / sum * value;
      }
    }
  }

  private int at(int sequence, int position, int keyHead) {
    return ((sequence * data.capacity + position) * heads.keyHeads() + keyHead) * heads.dimension();
  }
}
