package org.sparkao.gpu.model;

import java.nio.ByteBuffer;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.layer.DecodeAttention;
import org.sparkao.gpu.layer.HeadShape;
import org.sparkao.gpu.layer.HostSequences;
import org.sparkao.gpu.layer.KvCache;
import org.sparkao.gpu.layer.PrefillAttention;
import org.sparkao.gpu.layer.ReferenceAttention;
import org.sparkao.gpu.layer.ReferenceKvCache;
import org.sparkao.gpu.model.ModelOperators.HeadSteps;
import org.sparkao.gpu.model.ModelOperators.Places;
import org.sparkao.gpu.model.ModelOperators.RotaryTable;

/** Norms, rotation, cache and attention of heads, in double, one head after the other. */
final class ReferenceHeads {
  private final HeadShape shape;
  private final Arithmetic arithmetic;
  private final ReferenceNumbers x;

  ReferenceHeads(Buffer qkv, HeadShape shape, Arithmetic arithmetic) {
    this.shape = shape;
    this.arithmetic = arithmetic;
    this.x = new ReferenceNumbers(qkv, arithmetic);
  }

  void prepare(Places places, HeadSteps steps) {
    ByteBuffer positions = CpuDevice.bytes(places.positions());
    for (int row = 0; row < places.rows(); row++) {
      int position = positions.getInt(Integer.BYTES * row);
      if (position < 0) {
        continue;
      }
      for (int head = 0; head < shape.queryHeads() + shape.keyHeads(); head++) {
        prepare(row, head, position, steps);
      }
      int at = row;
      int sequence =
          places
              .sequences()
              .map(sequences -> CpuDevice.bytes(sequences).getInt(Integer.BYTES * at))
              .orElse(row);
      steps.cache().ifPresent(cache -> append(cache, at, sequence, position));
    }
  }

  private void prepare(int row, int head, int position, HeadSteps steps) {
    float[] numbers = new float[shape.dimension()];
    x.read(first(row, head), numbers);
    steps
        .norms()
        .ifPresent(
            norms -> {
              float[] weight = new float[numbers.length];
              Buffer stored = head < shape.queryHeads() ? norms.query() : norms.key();
              new ReferenceNumbers(stored, arithmetic).read(0, weight);
              new ReferenceNorm(weight, norms.epsilon(), arithmetic).apply(numbers);
            });
    rotate(numbers, position, steps.rotation());
    for (int i = 0; i < numbers.length; i++) {
      x.put(first(row, head) + i, numbers[i]);
    }
  }

  private void rotate(float[] head, int position, RotaryTable table) {
    int half = head.length / 2;
    ByteBuffer cosines = CpuDevice.bytes(table.cosines());
    ByteBuffer sines = CpuDevice.bytes(table.sines());
    for (int i = 0; i < half; i++) {
      int angle = Float.BYTES * (position * half + i);
      double cosine = cosines.getFloat(angle);
      double sine = sines.getFloat(angle);
      double low = head[i];
      double high = head[half + i];
      head[i] = ReferenceNumbers.round(arithmetic, low * cosine - high * sine);
      head[half + i] = ReferenceNumbers.round(arithmetic, high * cosine + low * sine);
    }
  }

  private void append(KvCache cache, int row, int sequence, int position) {
    if (position >= cache.capacity()) {
      return;
    }
    ReferenceKvCache keys = ReferenceKvCache.keys(cache, shape);
    ReferenceKvCache values = ReferenceKvCache.values(cache, shape);
    float[] numbers = new float[shape.dimension()];
    for (int head = 0; head < shape.keyHeads(); head++) {
      x.read(first(row, shape.queryHeads() + head), numbers);
      keys.write(sequence, position, head, numbers);
      x.read(first(row, shape.queryHeads() + shape.keyHeads() + head), numbers);
      values.write(sequence, position, head, numbers);
    }
  }

  void attend(PrefillAttention.Batch batch, Buffer out) {
    HostSequences sequences = new HostSequences(batch);
    for (int sequence = 0; sequence < sequences.count(); sequence++) {
      for (int head = 0; head < shape.queryHeads(); head++) {
        int key = shape.queryHeads() + head / shape.ratio();
        double[][] keys = heads(sequences, sequence, key);
        double[][] values = heads(sequences, sequence, key + shape.keyHeads());
        for (int at = sequences.before(sequence); at < keys.length; at++) {
          int token = sequences.token(sequence, at);
          double[] result =
              ReferenceAttention.attend(
                  head(token, head), shape.scale(), at + 1, i -> keys[i], i -> values[i]);
          write(out, token, head, result);
        }
      }
    }
  }

  void attend(KvCache cache, DecodeAttention.Batch batch, Buffer out) {
    ByteBuffer lengths = CpuDevice.bytes(batch.lengths());
    ReferenceKvCache keys = ReferenceKvCache.keys(cache, shape);
    ReferenceKvCache values = ReferenceKvCache.values(cache, shape);
    for (int row = 0; row < batch.sequences(); row++) {
      int sequence = row;
      for (int head = 0; head < shape.queryHeads(); head++) {
        int key = head / shape.ratio();
        double[] result =
            ReferenceAttention.attend(
                head(row, head),
                shape.scale(),
                lengths.getInt(Integer.BYTES * row),
                position -> keys.read(sequence, position, key),
                position -> values.read(sequence, position, key));
        write(out, row, head, result);
      }
    }
  }

  private double[][] heads(HostSequences sequences, int sequence, int head) {
    double[][] all = new double[sequences.length(sequence)][];
    for (int at = 0; at < all.length; at++) {
      all[at] = head(sequences.token(sequence, at), head);
    }
    return all;
  }

  private double[] head(int row, int head) {
    double[] numbers = new double[shape.dimension()];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = x.get(first(row, head) + i);
    }
    return numbers;
  }

  private long first(int row, int head) {
    return (long) row * shape.rowElements() + (long) head * shape.dimension();
  }

  private void write(Buffer out, int row, int head, double[] result) {
    ReferenceNumbers y = new ReferenceNumbers(out, arithmetic);
    long first = (long) row * shape.queryElements() + (long) head * shape.dimension();
    for (int i = 0; i < result.length; i++) {
      y.put(first + i, result[i]);
    }
  }
}
