package org.sparkao.gpu.train;

import java.util.Arrays;
import java.util.function.ToDoubleFunction;
import org.sparkao.gpu.layer.HeadShape;

/** Operators of a transformer as their definitions say, in fp64 with plain loops. */
final class InDoubles {
  private InDoubles() {}

  static double[] of(float[] values) {
    double[] all = new double[values.length];
    for (int i = 0; i < all.length; i++) {
      all[i] = values[i];
    }
    return all;
  }

  /** Central differences of a function of x. */
  static double[] gradient(ToDoubleFunction<double[]> function, double[] x) {
    double step = 1e-5;
    double[] point = x.clone();
    double[] gradient = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      point[i] = x[i] + step;
      double above = function.applyAsDouble(point);
      point[i] = x[i] - step;
      gradient[i] = (above - function.applyAsDouble(point)) / (2 * step);
      point[i] = x[i];
    }
    return gradient;
  }

  static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }

  /** x [rows, k] times the transpose of w [n, k], plus bias [n] where there is one. */
  static double[] product(double[] x, double[] w, double[] bias, int k) {
    int rows = x.length / k;
    int n = w.length / k;
    double[] y = new double[rows * n];
    for (int row = 0; row < rows; row++) {
      for (int i = 0; i < n; i++) {
        double sum = bias == null ? 0 : bias[i];
        for (int j = 0; j < k; j++) {
          sum += x[row * k + j] * w[i * k + j];
        }
        y[row * n + i] = sum;
      }
    }
    return y;
  }

  static double[] norm(double[] x, double[] weight, double epsilon) {
    double[] y = new double[x.length];
    for (int at = 0; at < x.length; at += weight.length) {
      norm(x, at, weight, epsilon, y);
    }
    return y;
  }

  private static void norm(double[] x, int at, double[] weight, double epsilon, double[] y) {
    double squares = 0;
    for (int i = 0; i < weight.length; i++) {
      squares += x[at + i] * x[at + i];
    }
    double root = Math.sqrt(squares / weight.length + epsilon);
    for (int i = 0; i < weight.length; i++) {
      y[at + i] = x[at + i] / root * weight[i];
    }
  }

  /** Norms of heads; null where there are none. */
  record Norms(double[] query, double[] key, double epsilon) {}

  /** Norms and rotation by base^(-2i / dimension) a position. */
  static double[] heads(double[] raw, HeadShape shape, Norms norms, double base, int[] positions) {
    double[] out = raw.clone();
    int dimension = shape.dimension();
    int half = dimension / 2;
    for (int row = 0; row < positions.length; row++) {
      for (int head = 0; head < shape.queryHeads() + shape.keyHeads(); head++) {
        int at = row * shape.rowElements() + head * dimension;
        if (norms != null) {
          double[] weight = head < shape.queryHeads() ? norms.query : norms.key;
          norm(raw, at, weight, norms.epsilon, out);
        }
        for (int i = 0; i < half; i++) {
          double angle = positions[row] * Math.pow(base, -2.0 * i / dimension);
          double low = out[at + i];
          double high = out[at + half + i];
          out[at + i] = low * Math.cos(angle) - high * Math.sin(angle);
          out[at + half + i] = high * Math.cos(angle) + low * Math.sin(angle);
        }
      }
    }
    return out;
  }

  /** Causal attention of sequences between boundaries. */
  static double[] attend(double[] qkv, HeadShape shape, int[] boundaries) {
    int tokens = boundaries[boundaries.length - 1];
    double[] out = new double[tokens * shape.queryElements()];
    for (int sequence = 0; sequence + 1 < boundaries.length; sequence++) {
      for (int token = boundaries[sequence]; token < boundaries[sequence + 1]; token++) {
        for (int head = 0; head < shape.queryHeads(); head++) {
          attend(qkv, shape, boundaries[sequence], token, head, out);
        }
      }
    }
    return out;
  }

  private static void attend(
      double[] qkv, HeadShape shape, int first, int token, int head, double[] out) {
    int dimension = shape.dimension();
    int query = token * shape.rowElements() + head * dimension;
    int key = (shape.queryHeads() + head / shape.ratio()) * dimension;
    int value = key + shape.keyHeads() * dimension;
    double[] weights = new double[token - first + 1];
    for (int j = 0; j < weights.length; j++) {
      double score = 0;
      for (int i = 0; i < dimension; i++) {
        score += qkv[query + i] * qkv[(first + j) * shape.rowElements() + key + i];
      }
      weights[j] = score / Math.sqrt(dimension);
    }
    double largest = Arrays.stream(weights).max().orElseThrow();
    double total = 0;
    for (int j = 0; j < weights.length; j++) {
      weights[j] = Math.exp(weights[j] - largest);
      total += weights[j];
    }
    int to = token * shape.queryElements() + head * dimension;
    for (int j = 0; j < weights.length; j++) {
      for (int i = 0; i < dimension; i++) {
        out[to + i] += weights[j] / total * qkv[(first + j) * shape.rowElements() + value + i];
      }
    }
  }

  /** gateUp [rows, 2 * columns]. */
  static double[] gate(double[] gateUp, int columns) {
    double[] y = new double[gateUp.length / 2];
    for (int i = 0; i < y.length; i++) {
      int at = i / columns * 2 * columns + i % columns;
      double gate = gateUp[at];
      y[i] = gate / (1 + Math.exp(-gate)) * gateUp[at + columns];
    }
    return y;
  }

  static double[] embed(double[] table, int[] ids, int columns) {
    double[] hidden = new double[ids.length * columns];
    for (int i = 0; i < ids.length; i++) {
      System.arraycopy(table, ids[i] * columns, hidden, i * columns, columns);
    }
    return hidden;
  }

  static double[] sum(double[] a, double[] b) {
    double[] sum = new double[a.length];
    for (int i = 0; i < sum.length; i++) {
      sum[i] = a[i] + b[i];
    }
    return sum;
  }

  /** Logarithms of the softmax of logits / temperature. */
  static double[] logSoftmax(double[] logits, int columns, double temperature) {
    double[] all = new double[logits.length];
    for (int at = 0; at < logits.length; at += columns) {
      double total = 0;
      for (int i = at; i < at + columns; i++) {
        total += Math.exp(logits[i] / temperature);
      }
      for (int i = at; i < at + columns; i++) {
        all[i] = logits[i] / temperature - Math.log(total);
      }
    }
    return all;
  }

  /** Of each row; 0 without a target. */
  static double[] crossEntropy(double[] logits, int[] targets) {
    int columns = logits.length / targets.length;
    double[] logs = logSoftmax(logits, columns, 1);
    double[] losses = new double[targets.length];
    for (int i = 0; i < losses.length; i++) {
      losses[i] = targets[i] < 0 ? 0 : -logs[i * columns + targets[i]];
    }
    return losses;
  }

  /** t^2 * KL(teacher || student) of each row. */
  static double[] divergence(double[] logits, double[] teacher, int columns, double temperature) {
    double[] ours = logSoftmax(logits, columns, temperature);
    double[] theirs = logSoftmax(teacher, columns, temperature);
    double[] losses = new double[logits.length / columns];
    for (int i = 0; i < logits.length; i++) {
      losses[i / columns] +=
          temperature * temperature * Math.exp(theirs[i]) * (theirs[i] - ours[i]);
    }
    return losses;
  }

  /** Products, number by number. */
  static double[] times(double[] x, double[] y) {
    double[] all = new double[x.length];
    Arrays.setAll(all, i -> x[i] * y[i]);
    return all;
  }

  /** A number again and again. */
  static double[] equal(int count, double number) {
    double[] all = new double[count];
    Arrays.fill(all, number);
    return all;
  }

  /** The sum over rows of squared errors by the target's squares. */
  static double relativeErrors(double[] y, double[] target, int rows) {
    int columns = y.length / rows;
    double sum = 0;
    for (int row = 0; row < rows; row++) {
      double errors = 0;
      double squares = 0;
      for (int i = row * columns; i < (row + 1) * columns; i++) {
        errors += (y[i] - target[i]) * (y[i] - target[i]);
        squares += target[i] * target[i];
      }
      sum += errors / squares;
    }
    return sum;
  }
}
