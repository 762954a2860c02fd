package org.sparkao.gpu.model.cpu;

import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.layer.HeadShape;
import org.sparkao.gpu.layer.KvCache;
import org.sparkao.gpu.layer.ReferenceKvCache;
import org.sparkao.gpu.model.ModelOperators.HeadSteps;
import org.sparkao.gpu.model.ModelOperators.Places;

/** Norms, rotation and append of heads. */
final class CpuHeads {
  private final HeadShape shape;
  private final FloatBuffer qkv;
  private final ByteBuffer positions;
  private final Optional<ByteBuffer> sequences;
  private final Optional<RowNorm> queryNorm;
  private final Optional<RowNorm> keyNorm;
  private final FloatBuffer cosines;
  private final FloatBuffer sines;
  private final Optional<Appender> appender;

  CpuHeads(Buffer qkv, HeadShape shape, Places places, HeadSteps steps) {
    this.shape = shape;
    this.qkv = Workspace.floats(qkv);
    this.positions = CpuDevice.bytes(places.positions());
    this.sequences = places.sequences().map(CpuDevice::bytes);
    this.queryNorm = steps.norms().map(n -> norm(n.query(), shape, n.epsilon()));
    this.keyNorm = steps.norms().map(n -> norm(n.key(), shape, n.epsilon()));
    this.cosines = Workspace.floats(steps.rotation().cosines());
    this.sines = Workspace.floats(steps.rotation().sines());
    this.appender = steps.cache().map(cache -> new Appender(cache, shape));
  }

  private static RowNorm norm(Buffer weight, HeadShape shape, float epsilon) {
    float[] values = new float[shape.dimension()];
    Workspace.floats(weight).get(0, values);
    return new RowNorm(values, epsilon);
  }

  /** Prepares a row; rows may be prepared at the same time. */
  void prepare(int row) {
    int position = positions.getInt(Integer.BYTES * row);
    if (position < 0) {
      return;
    }
    int elements = shape.rowElements();
    int dimension = shape.dimension();
    int half = dimension / 2;
    float[] heads = new float[elements];
    float[] cosine = new float[half];
    float[] sine = new float[half];
    qkv.get(row * elements, heads);
    cosines.get(position * half, cosine);
    sines.get(position * half, sine);
    for (int head = 0; head < shape.queryHeads() + shape.keyHeads(); head++) {
      int first = head * dimension;
      Optional<RowNorm> norm = head < shape.queryHeads() ? queryNorm : keyNorm;
      norm.ifPresent(n -> n.apply(heads, first));
      rotate(heads, first, cosine, sine);
    }
    qkv.put(row * elements, heads);
    int sequence = sequences.map(s -> s.getInt(Integer.BYTES * row)).orElse(row);
    appender.ifPresent(a -> a.append(heads, sequence, position));
  }

  private static void rotate(float[] x, int first, float[] cosine, float[] sine) {
    int half = cosine.length;
    for (int i = 0; i < half; i++) {
      float low = x[first + i];
      float high = x[first + half + i];
      x[first + i] = low * cosine[i] - high * sine[i];
      x[first + half + i] = high * cosine[i] + low * sine[i];
    }
  }

  /** Writes keys and values of a row to a cache. */
  private static final class Appender {
    private final HeadShape shape;
    private final int capacity;
    private final ReferenceKvCache keys;
    private final ReferenceKvCache values;

    Appender(KvCache cache, HeadShape shape) {
      this.shape = shape;
      this.capacity = cache.capacity();
      this.keys = ReferenceKvCache.keys(cache, shape);
      this.values = ReferenceKvCache.values(cache, shape);
    }

    void append(float[] row, int sequence, int position) {
      if (position >= capacity) {
        return;
      }
      float[] one = new float[shape.dimension()];
      int first = shape.queryElements();
      for (int head = 0; head < 2 * shape.keyHeads(); head++) {
        System.arraycopy(row, first + head * one.length, one, 0, one.length);
        if (head < shape.keyHeads()) {
          keys.write(sequence, position, head, one);
        } else {
          values.write(sequence, position, head - shape.keyHeads(), one);
        }
      }
    }
  }
}
