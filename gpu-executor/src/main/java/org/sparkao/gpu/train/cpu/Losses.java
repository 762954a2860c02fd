package org.sparkao.gpu.train.cpu;

import java.util.Arrays;
import org.sparkao.gpu.model.cpu.Cores;
import org.sparkao.gpu.model.cpu.Exponential;
import org.sparkao.gpu.model.cpu.Lanes;
import org.sparkao.gpu.tensor.HostTensor;
import org.sparkao.gpu.train.Shapes;
import org.sparkao.gpu.train.TokenBatch;
import org.sparkao.gpu.train.TrainingOperators.Distilling;
import org.sparkao.gpu.train.TrainingOperators.Relative;

/** Losses of rows, and their gradients in place. */
final class Losses {
  private final Cores cores;

  Losses(Cores cores) {
    this.cores = cores;
  }

  void crossEntropy(HostTensor logits, int[] targets, float weight, HostTensor losses) {
    float[] all = logits.array();
    int count = logits.columns();
    rows(
        logits,
        (row, at) -> {
          int target = Shapes.target(targets[row], logits);
          if (target == TokenBatch.NO_TARGET) {
            Arrays.fill(all, at, at + count, 0);
            losses.array()[losses.at(row)] = 0;
            return;
          }
          Softmax softmax = new Softmax(all, at, count, 1);
          losses.array()[losses.at(row)] = (float) (softmax.logSum - all[at + target]);
          float factor = (float) (weight / softmax.sum);
          for (int i = 0; i < count; i++) {
            all[at + i] = softmax.powers[i] * factor;
          }
          all[at + target] -= weight;
        });
  }

  /**
   * The gradient is t * (softmax(logits / t) - softmax(teacher / t)), and of labels
   * softmax(logits), less 1 at the target.
   */
  void divergence(
      HostTensor logits,
      HostTensor teacher,
      int[] targets,
      Distilling settings,
      HostTensor losses) {
    float[] all = logits.array();
    float[] wanted = teacher.array();
    int count = logits.columns();
    float temperature = settings.temperature();
    rows(
        logits,
        (row, at) -> {
          int from = teacher.at(row);
          Softmax given = new Softmax(all, at, count, temperature);
          Softmax right = new Softmax(wanted, from, count, temperature);
          double difference = 0;
          for (int i = 0; i < count; i++) {
            float gap = (wanted[from + i] - right.largest) - (all[at + i] - given.largest);
            difference += (double) right.powers[i] * gap;
          }
          double loss =
              difference / right.sum / temperature - Math.log(right.sum) + Math.log(given.sum);
          loss *= temperature * temperature;
          int target = Shapes.target(targets[row], logits);
          boolean labelled = settings.labels() > 0 && target != TokenBatch.NO_TARGET;
          Softmax plain = labelled ? new Softmax(all, at, count, 1) : null;
          if (labelled) {
            loss += settings.labels() * (plain.logSum - all[at + target]);
          }
          losses.array()[losses.at(row)] = (float) loss;
          float factor = settings.weight() * temperature;
          float ours = (float) (factor / given.sum);
          float theirs = (float) (factor / right.sum);
          for (int i = 0; i < count; i++) {
            all[at + i] = given.powers[i] * ours - right.powers[i] * theirs;
          }
          if (labelled) {
            float label = settings.weight() * settings.labels();
            float others = (float) (label / plain.sum);
            for (int i = 0; i < count; i++) {
              all[at + i] += plain.powers[i] * others;
            }
            all[at + target] -= label;
          }
        });
  }

  void relativeError(HostTensor y, HostTensor target, Relative relative, HostTensor losses) {
    float[] all = y.array();
    float[] wanted = target.array();
    int count = y.columns();
    rows(
        y,
        (row, at) -> {
          int from = target.at(row);
          float squares = (float) RowMath.dot(wanted, from, wanted, from, count);
          float factor = squares > 0 ? relative.factor() / squares : 0;
          for (int i = 0; i < count; i++) {
            all[at + i] -= wanted[from + i];
          }
          losses.array()[losses.at(row)] += factor * (float) RowMath.dot(all, at, all, at, count);
          float ofGradient = 2 * factor * relative.weight();
          for (int i = at; i < at + count; i++) {
            all[i] *= ofGradient;
          }
        });
  }

  /** Does something to the row that begins at an element of the array. */
  private interface Row {
    void run(int row, int at);
  }

  private void rows(HostTensor x, Row row) {
    cores.run(x.rows(), (worker, index) -> row.run(index, x.at(index)));
  }

  /** exp((x - largest) / temperature) of a row, and what follows from them. */
  private static final class Softmax {
    private final float[] powers;
    private final float largest;
    private final double sum;
    private final double logSum;

    Softmax(float[] x, int at, int count, float temperature) {
      powers = new float[Lanes.roundUp(count, Lanes.WIDTH)];
      System.arraycopy(x, at, powers, 0, count);
      Arrays.fill(powers, count, powers.length, Float.NEGATIVE_INFINITY);
      largest = Exponential.largest(powers, 0, powers.length);
      Exponential.apply(powers, 0, powers.length, largest, 1 / temperature);
      Arrays.fill(powers, count, powers.length, 0);
      sum = Exponential.sum(powers, 0, powers.length);
      logSum = largest / temperature + Math.log(sum);
    }
  }
}
