package org.sparkao.gpu.optimizer;

import java.nio.ByteBuffer;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.quant.observe.Workers;

/**
 * On the processor, and the reference of every other. Its loops over arrays are such that HotSpot
 * turns them into vector instructions. Bits do not depend on the threads.
 */
public final class HostAdamW implements AdamW {
  /** Elements that one thread takes at a time. */
  private static final int PIECE = 1 << 16;

  /** Elements in scratch memory: whole blocks of every format. */
  private static final int CHUNK = 4096;

  private final Workers workers;

  /**
   * An optimizer.
   *
   * @param workers run parts of a tensor
   */
  public HostAdamW(Workers workers) {
    this.workers = workers;
  }

  @Override
  public void step(TrainedParameter parameter, AdamWState state, AdamWStep step) {
    AdamW.check(parameter, state);
    int elements = Math.toIntExact(parameter.elements());
    int count = (elements + PIECE - 1) / PIECE;
    workers.run(
        count,
        piece -> {
          Piece work = new Piece(parameter, state, step);
          int end = Math.min(elements, (piece + 1) * PIECE);
          for (int begin = piece * PIECE; begin < end; begin += CHUNK) {
            work.run(begin, Math.min(CHUNK, end - begin));
          }
        });
  }

  /** One thread's part, with its own scratch. */
  private static final class Piece {
    private final AdamWStep step;
    private final HostParameter parameter;
    private final HostMoment first;
    private final HostMoment second;
    private final float[] p = new float[CHUNK];
    private final float[] g = new float[CHUNK];
    private final float[] m = new float[CHUNK];
    private final float[] v = new float[CHUNK];

    Piece(TrainedParameter parameter, AdamWState state, AdamWStep step) {
      this.step = step;
      this.parameter = new HostParameter(parameter);
      this.first = new HostMoment(state.first(), true);
      this.second = new HostMoment(state.second(), false);
    }

    void run(int begin, int count) {
      parameter.readGradient(begin, count, g);
      parameter.readValue(begin, count, p);
      first.read(begin, count, m);
      second.read(begin, count, v);
      scale(g, count, step.gradientFactor());
      decay(p, count, step.decay());
      moments(count);
      move(count);
      first.write(m, begin, count);
      second.write(v, begin, count);
      parameter.writeValue(p, begin, count, step);
    }

    private static void scale(float[] g, int count, float factor) {
      for (int i = 0; i < count; i++) {
        g[i] = g[i] * factor;
      }
    }

    private static void decay(float[] p, int count, float decay) {
      for (int i = 0; i < count; i++) {
        p[i] = p[i] - decay * p[i];
      }
    }

    private void moments(int count) {
      towards(m, g, count, step.firstWeight());
      for (int i = 0; i < count; i++) {
        g[i] = g[i] * g[i];
      }
      towards(v, g, count, step.secondWeight());
    }

    /** torch.lerp, which begins at the nearer end. */
    private static void towards(float[] from, float[] to, int count, float weight) {
      if (weight < 0.5f) {
        for (int i = 0; i < count; i++) {
          from[i] = from[i] + weight * (to[i] - from[i]);
        }
      } else {
        float rest = 1 - weight;
        for (int i = 0; i < count; i++) {
          from[i] = to[i] - (to[i] - from[i]) * rest;
        }
      }
    }

    private void move(int count) {
      float rate = step.learningRate();
      float firstCorrection = step.firstCorrection();
      float secondCorrection = step.secondCorrection();
      float epsilon = (float) step.settings().epsilon();
      for (int i = 0; i < count; i++) {
        float root = (float) Math.sqrt(v[i]) / secondCorrection + epsilon;
        p[i] = p[i] - rate * (m[i] / firstCorrection) / root;
      }
    }
  }

  /** A moment in memory of the host, with its codec. */
  private static final class HostMoment {
    private final StateCodec codec;
    private final ByteBuffer codes;
    private final ByteBuffer scales;

    HostMoment(MomentState state, boolean signed) {
      this.codec = StateCodec.of(state.format(), signed);
      this.codes = CpuDevice.bytes(state.codes());
      this.scales = state.scales().map(CpuDevice::bytes).orElseGet(() -> ByteBuffer.allocate(0));
    }

    void read(int begin, int count, float[] out) {
      codec.decode(codes, scales, begin, count, out);
    }

    void write(float[] values, int begin, int count) {
      codec.encode(values, begin, count, codes, scales);
    }
  }
}
