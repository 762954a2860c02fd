package org.sparkao.gpu.model.cpu;

import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.Arrays;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.layer.DecodeAttention;
import org.sparkao.gpu.layer.HeadShape;
import org.sparkao.gpu.layer.KvCache;

/** Attention of one token a sequence over the cache: a sequence and a key head at a time. */
final class CpuDecodeAttention {
  private final HeadShape shape;
  private final KvCache cache;
  private final FloatBuffer qkv;
  private final FloatBuffer out;
  private final ByteBuffer lengths;

  CpuDecodeAttention(
      Buffer qkv, HeadShape shape, KvCache cache, DecodeAttention.Batch batch, Buffer out) {
    this.shape = shape;
    this.cache = cache;
    this.qkv = Workspace.floats(qkv);
    this.out = Workspace.floats(out);
    this.lengths = CpuDevice.bytes(batch.lengths());
  }

  /** A piece of {@code sequences * keyHeads}. */
  void attend(int piece) {
    int row = piece / shape.keyHeads();
    int keyHead = piece % shape.keyHeads();
    int dimension = shape.dimension();
    int length = lengths.getInt(Integer.BYTES * row);
    int width = Lanes.roundUp(length, Lanes.WIDTH);
    float[] result = new float[shape.ratio() * dimension];
    if (length > 0) {
      float[] scores = scores(row, keyHead, length, width);
      double[] totals = new double[shape.ratio()];
      for (int head = 0; head < totals.length; head++) {
        int first = head * width;
        Arrays.fill(scores, first + length, first + width, Float.NEGATIVE_INFINITY);
        float largest = Exponential.largest(scores, first, width);
        Exponential.apply(scores, first, width, largest, shape.scale());
        Arrays.fill(scores, first + length, first + width, 0);
        totals[head] = Exponential.sum(scores, first, width);
      }
      weigh(scores, row, keyHead, length, result);
      for (int i = 0; i < result.length; i++) {
        result[i] = (float) (result[i] / totals[i / dimension]);
      }
    }
    out.put(row * shape.queryElements() + keyHead * result.length, result);
  }

  private float[] scores(int row, int keyHead, int length, int width) {
    int dimension = shape.dimension();
    float[] queries = new float[shape.ratio() * dimension];
    qkv.get(row * shape.rowElements() + keyHead * queries.length, queries);
    CacheNumbers keys = CacheNumbers.keys(cache, shape);
    float[] key = new float[dimension];
    float[] scores = new float[shape.ratio() * width];
    for (int position = 0; position < length; position++) {
      keys.read(row, position, keyHead, key);
      for (int head = 0; head < shape.ratio(); head++) {
        scores[head * width + position] = dot(queries, head * dimension, key);
      }
    }
    return scores;
  }

  /** Four sums, so that a processor need not wait for each addition. */
  private static float dot(float[] a, int first, float[] b) {
    float s0 = 0;
    float s1 = 0;
    float s2 = 0;
    float s3 = 0;
    int whole = b.length & -4;
    for (int i = 0; i < whole; i += 4) {
      s0 += a[first + i] * b[i];
      s1 += a[first + i + 1] * b[i + 1];
      s2 += a[first + i + 2] * b[i + 2];
      s3 += a[first + i + 3] * b[i + 3];
    }
    for (int i = whole; i < b.length; i++) {
      s0 += a[first + i] * b[i];
    }
    return s0 + s1 + (s2 + s3);
  }

  private void weigh(float[] scores, int row, int keyHead, int length, float[] result) {
    int dimension = shape.dimension();
    int width = Lanes.roundUp(length, Lanes.WIDTH);
    CacheNumbers values = CacheNumbers.values(cache, shape);
    float[] value = new float[dimension];
    for (int position = 0; position < length; position++) {
      values.read(row, position, keyHead, value);
      for (int head = 0; head < shape.ratio(); head++) {
        float weight = scores[head * width + position];
        int first = head * dimension;
        for (int i = 0; i < dimension; i++) {
          result[first + i] += weight * value[i];
        }
      }
    }
  }
}
