package org.sparkao.gpu.layer;

import java.nio.ByteBuffer;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CpuDevice;

/** Plain Java in double, one head after the other. */
public final class ReferenceHeadPreparation implements HeadPreparation {
  @Override
  public void prepare(Buffer qkv, HeadShape shape, Places places, Steps steps) {
    steps.check(qkv, shape, places);
    Bf16Array x = new Bf16Array(qkv);
    ByteBuffer positions = CpuDevice.bytes(places.positions());
    for (int row = 0; row < places.rows(); row++) {
      int position = positions.getInt(Integer.BYTES * row);
      if (position < 0) {
        continue;
      }
      for (int head = 0; head < shape.queryHeads() + shape.keyHeads(); head++) {
        long first = (long) row * shape.rowElements() + (long) head * shape.dimension();
        boolean query = head < shape.queryHeads();
        steps.norms().ifPresent(norms -> norm(x, first, shape.dimension(), norms, query));
        steps.rotation().ifPresent(r -> rotate(x, first, shape.dimension(), r, position));
      }
      int sequence = sequence(places, row);
      int rowOfTable = row;
      steps.cache().ifPresent(c -> append(x, rowOfTable, shape, c, new Slot(sequence, position)));
    }
  }

  private record Slot(int sequence, int position) {}

  private static int sequence(Places places, int row) {
    return places
        .sequences()
        .map(sequences -> CpuDevice.bytes(sequences).getInt(Integer.BYTES * row))
        .orElse(row);
  }

  private static void norm(Bf16Array x, long first, int dimension, Norms norms, boolean query) {
    Bf16Array weight = new Bf16Array(query ? norms.query() : norms.key());
    double root = ReferenceRmsNorm.root(x, first, dimension, norms.epsilon());
    for (int i = 0; i < dimension; i++) {
      x.put(first + i, Bf16Array.round(x.get(first + i) / root) * (double) weight.get(i));
    }
  }

  private static void rotate(
      Bf16Array x, long first, int dimension, Rotation rotation, int position) {
    int half = dimension / 2;
    ByteBuffer cosines = CpuDevice.bytes(rotation.cosines());
    ByteBuffer sines = CpuDevice.bytes(rotation.sines());
    for (int i = 0; i < half; i++) {
      int angle = Float.BYTES * (position * half + i);
      double cosine = cosines.getFloat(angle);
      double sine = sines.getFloat(angle);
      double low = x.get(first + i);
      double high = x.get(first + half + i);
      x.put(first + i, low * cosine - high * sine);
      x.put(first + half + i, high * cosine + low * sine);
    }
  }

  private static void append(Bf16Array x, int row, HeadShape shape, KvCache cache, Slot slot) {
    if (slot.position() >= cache.capacity()) {
      return;
    }
    ReferenceKvCache keys = ReferenceKvCache.keys(cache, shape);
    ReferenceKvCache values = ReferenceKvCache.values(cache, shape);
    for (int head = 0; head < shape.keyHeads(); head++) {
      float[] key = head(x, row, shape, shape.queryHeads() + head);
      float[] value = head(x, row, shape, shape.queryHeads() + shape.keyHeads() + head);
      keys.write(slot.sequence(), slot.position(), head, key);
      values.write(slot.sequence(), slot.position(), head, value);
    }
  }

  private static float[] head(Bf16Array x, int row, HeadShape shape, int head) {
    float[] numbers = new float[shape.dimension()];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = x.get((long) row * shape.rowElements() + head * shape.dimension() + i);
    }
    return numbers;
  }
}
