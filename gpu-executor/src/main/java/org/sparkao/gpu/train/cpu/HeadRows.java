package org.sparkao.gpu.train.cpu;

import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.layer.HeadShape;
import org.sparkao.gpu.model.cpu.Cores;
import org.sparkao.gpu.tensor.HostTensor;
import org.sparkao.gpu.train.Heads;
import org.sparkao.gpu.train.NormWeight;
import org.sparkao.gpu.train.TokenBatch;

/** Norms and rotation of the heads of a batch. */
final class HeadRows {
  /** Tokens whose gradients of norms are summed before they are added to the others. */
  private static final int TOKENS = 32;

  private final HeadShape shape;
  private final Optional<Heads.HeadNorms> norms;
  private final FloatBuffer cosines;
  private final FloatBuffer sines;
  private final TokenBatch batch;

  HeadRows(Heads heads, TokenBatch batch) {
    this.shape = heads.shape();
    this.norms = heads.norms();
    this.cosines = CpuDevice.bytes(heads.rotation().cosines()).asFloatBuffer();
    this.sines = CpuDevice.bytes(heads.rotation().sines()).asFloatBuffer();
    this.batch = batch;
    heads.check(batch);
  }

  private Optional<NormWeight> norm(int head) {
    return norms.map(n -> head < shape.queryHeads() ? n.query() : n.key());
  }

  void forward(Cores cores, HostTensor raw, HostTensor qkv) {
    cores.rows(
        raw.rows(),
        row -> {
          int dimension = shape.dimension();
          System.arraycopy(raw.array(), raw.at(row), qkv.array(), qkv.at(row), shape.rowElements());
          Angles angles = new Angles(row);
          for (int head = 0; head < shape.queryHeads() + shape.keyHeads(); head++) {
            int at = qkv.at(row) + head * dimension;
            norm(head).ifPresent(n -> norm(n, qkv.array(), at));
            angles.turn(qkv.array(), at, 1);
          }
        });
  }

  private static void norm(NormWeight norm, float[] x, int at) {
    HostTensor weight = HostTensor.of(norm.weight());
    float root = RowMath.inverseRoot(x, at, weight.columns(), norm.epsilon());
    for (int i = 0; i < weight.columns(); i++) {
      x[at + i] = x[at + i] * root * weight.array()[weight.offset() + i];
    }
  }

  void backward(Cores cores, HostTensor raw, HostTensor gradient) {
    int pieces = (raw.rows() + TOKENS - 1) / TOKENS;
    float[][][] sums = new float[pieces][2][norms.isPresent() ? shape.dimension() : 0];
    cores.run(
        pieces,
        (worker, piece) -> {
          int end = Math.min(raw.rows(), (piece + 1) * TOKENS);
          for (int row = piece * TOKENS; row < end; row++) {
            backward(raw, gradient, row, sums[piece]);
          }
        });
    norms.ifPresent(
        n -> {
          addSums(sums, 0, n.query());
          addSums(sums, 1, n.key());
        });
  }

  private void backward(HostTensor raw, HostTensor gradient, int row, float[][] sums) {
    int dimension = shape.dimension();
    float[] d = gradient.array();
    float[] dx = new float[dimension];
    Angles angles = new Angles(row);
    for (int head = 0; head < shape.queryHeads() + shape.keyHeads(); head++) {
      int at = gradient.at(row) + head * dimension;
      angles.turn(d, at, -1);
      if (norms.isEmpty()) {
        continue;
      }
      NormWeight norm = norm(head).orElseThrow();
      int from = raw.at(row) + head * dimension;
      float root = RowMath.inverseRoot(raw.array(), from, dimension, norm.epsilon());
      float[] sum = sums[head < shape.queryHeads() ? 0 : 1];
      for (int i = 0; i < dimension; i++) {
        sum[i] += d[at + i] * raw.array()[from + i] * root;
      }
      Arrays.fill(dx, 0);
      NormRow.Input input = new NormRow.Input(raw.array(), from, root);
      NormRow.addGradient(input, HostTensor.of(norm.weight()), d, at, dx, 0);
      System.arraycopy(dx, 0, d, at, dimension);
    }
  }

  private static void addSums(float[][][] sums, int which, NormWeight norm) {
    if (norm.gradient().isEmpty()) {
      return;
    }
    HostTensor gradient = HostTensor.of(norm.gradient().get());
    for (float[][] some : List.of(sums)) {
      for (int i = 0; i < gradient.columns(); i++) {
        gradient.array()[gradient.offset() + i] += some[which][i];
      }
    }
  }

  /** The angles of a token: elements i and i + dimension / 2 of a head turn by angle i. */
  private final class Angles {
    private final float[] cosine = new float[shape.dimension() / 2];
    private final float[] sine = new float[shape.dimension() / 2];

    Angles(int row) {
      int at = batch.positions()[row] * cosine.length;
      cosines.get(at, cosine);
      sines.get(at, sine);
    }

    /** Turns forwards (1) or back (-1). */
    void turn(float[] x, int at, int direction) {
      int half = cosine.length;
      for (int i = 0; i < half; i++) {
        float low = x[at + i];
        float high = x[at + half + i];
        float s = direction * sine[i];
        x[at + i] = low * cosine[i] - high * s;
        x[at + half + i] = high * cosine[i] + low * s;
      }
    }
  }
}
