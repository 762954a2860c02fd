package org.sparkao.jobs.bench;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.DoubleUnaryOperator;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.Device;
import org.sparkao.gpu.layer.AttentionCall;
import org.sparkao.gpu.layer.DecodeAttention.Batch;
import org.sparkao.gpu.layer.HeadPreparation.Rotation;
import org.sparkao.gpu.layer.HeadShape;
import org.sparkao.gpu.layer.KvCache;
import org.sparkao.gpu.quantize.ActivationQuantizer.QuantizedRows;
import org.sparkao.quant.format.NumberFormats;

/** M random tokens with copies of the cache of their sequences. Closing frees them. */
final class LayerRows implements AutoCloseable {
  /** The base of Llama-3's angles. */
  private static final double BASE = 500_000;

  private static final int LEAST_CACHES = 2;
  private static final long SEED = 2;

  private final LayerTrial trial;
  private final int m;
  private final RandomBuffers buffers;
  private final List<AttentionCall> calls = new ArrayList<>();

  /** With as many caches as no cache of a GPU holds. */
  static LayerRows beyondCaches(Device device, LayerTrial trial, int m) {
    return new LayerRows(device, trial, m, DeviceClock.copies(LEAST_CACHES, trial.cacheBytes(m)));
  }

  /** With so many caches. */
  LayerRows(Device device, LayerTrial trial, int m, int count) {
    this.trial = trial;
    this.m = m;
    this.buffers = new RandomBuffers(device, SEED);
    try {
      long elements = (long) m * trial.shape().hidden();
      Buffer x = buffers.normal(NumberFormats.BF16, 1, elements);
      Buffer y = buffers.take(Short.BYTES * elements);
      QuantizedRows next =
          new QuantizedRows(buffers.take(elements), buffers.take((long) Float.BYTES * m));
      Buffer positions = ints(trial.context() - 1);
      Batch batch = new Batch(ints(trial.context()), m, trial.context());
      Rotation rotation = new Rotation(angles(Math::cos), angles(Math::sin));
      for (int i = 0; i < count; i++) {
        AttentionCall.Context context =
            new AttentionCall.Context(positions, batch, cache(), rotation);
        calls.add(new AttentionCall(x, y, next, context));
      }
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  private KvCache cache() {
    HeadShape heads = trial.shape().heads();
    long elements = (long) m * trial.context() * heads.keyHeads() * heads.dimension();
    return new KvCache(
        LayerTrial.CACHE,
        buffers.normal(NumberFormats.BF16, 1, elements),
        buffers.normal(NumberFormats.BF16, 1, elements),
        Optional.empty(),
        m,
        trial.context());
  }

  private Buffer ints(int value) {
    ByteBuffer bytes = RandomBuffers.bytes(Integer.BYTES * m);
    while (bytes.hasRemaining()) {
      bytes.putInt(value);
    }
    return buffers.copy(bytes.flip());
  }

  private Buffer angles(DoubleUnaryOperator function) {
    int half = trial.shape().heads().dimension() / 2;
    ByteBuffer bytes = RandomBuffers.bytes(Float.BYTES * trial.context() * half);
    for (int position = 0; position < trial.context(); position++) {
      for (int i = 0; i < half; i++) {
        double angle = position * Math.pow(BASE, -(double) i / half);
        bytes.putFloat((float) function.applyAsDouble(angle));
      }
    }
    return buffers.copy(bytes.flip());
  }

  /** With copy i of the cache, counted over and over. */
  AttentionCall call(int i) {
    return calls.get(i % calls.size());
  }

  int copies() {
    return calls.size();
  }

  /** The last row alone, on another device, with copy 0 of its cache; that device frees it. */
  AttentionCall lastRow(Device device) {
    RandomBuffers there = new RandomBuffers(device, SEED);
    AttentionCall call = calls.get(0);
    AttentionCall.Context context = call.context();
    int hidden = trial.shape().hidden();
    KvCache all = context.cache();
    long keyBytes = all.keys().bytes() / m;
    KvCache cache =
        new KvCache(
            all.type(),
            there.copyOf(all.keys().slice(keyBytes * (m - 1), keyBytes)),
            there.copyOf(all.values().slice(keyBytes * (m - 1), keyBytes)),
            Optional.empty(),
            1,
            trial.context());
    Rotation rotation = context.rotation();
    return new AttentionCall(
        there.copyOf(lastRow(call.x())),
        there.take((long) Short.BYTES * hidden),
        new QuantizedRows(there.take(hidden), there.take(Float.BYTES)),
        new AttentionCall.Context(
            there.copyOf(context.positions().slice(0, Integer.BYTES)),
            new Batch(
                there.copyOf(context.batch().lengths().slice(0, Integer.BYTES)),
                1,
                trial.context()),
            cache,
            new Rotation(there.copyOf(rotation.cosines()), there.copyOf(rotation.sines()))));
  }

  /** The last row of a buffer. */
  Buffer lastRow(Buffer all) {
    return all.slice(all.bytes() / m * (m - 1), all.bytes() / m);
  }

  @Override
  public void close() {
    buffers.close();
  }
}
