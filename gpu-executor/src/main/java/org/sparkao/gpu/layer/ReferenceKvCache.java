package org.sparkao.gpu.layer;

import java.nio.ByteBuffer;
import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.quant.format.NumberFormats;
import org.sparkao.quant.format.Overflow;

/** The keys, or the values, of a cache on the CPU. */
public final class ReferenceKvCache {
  private final KvCache cache;
  private final HeadShape shape;
  private final ByteBuffer bytes;
  private final Optional<ByteBuffer> scales;

  private ReferenceKvCache(
      KvCache cache, HeadShape shape, Buffer numbers, Optional<Buffer> scales) {
    this.cache = cache;
    this.shape = shape;
    this.bytes = CpuDevice.bytes(numbers);
    this.scales = scales.map(CpuDevice::bytes);
  }

  /** The keys. */
  public static ReferenceKvCache keys(KvCache cache, HeadShape shape) {
    return new ReferenceKvCache(cache, shape, cache.keys(), cache.keyScales());
  }

  /** The values. */
  public static ReferenceKvCache values(KvCache cache, HeadShape shape) {
    return new ReferenceKvCache(cache, shape, cache.values(), cache.valueScales());
  }

  /** The numbers of a head of a token. */
  public double[] read(int sequence, int position, int head) {
    int first = slot(sequence, position, head) * shape.dimension();
    double scale =
        scales.map(s -> (double) s.getFloat(scaleAt(sequence, position, head))).orElse(1.0);
    double[] numbers = new double[shape.dimension()];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = scale * code(first + i);
    }
    return numbers;
  }

  /** Stores a head of a token. */
  public void write(int sequence, int position, int head, float[] numbers) {
    int first = slot(sequence, position, head) * shape.dimension();
    if (cache.type() == KvCache.Type.FP32) {
      for (int i = 0; i < numbers.length; i++) {
        bytes.putFloat(Float.BYTES * (first + i), numbers[i]);
      }
      return;
    }
    if (cache.type() == KvCache.Type.BF16) {
      for (int i = 0; i < numbers.length; i++) {
        int bits = Float.floatToRawIntBits(Bf16Array.round(numbers[i]));
        bytes.putShort(Short.BYTES * (first + i), (short) (bits >>> 16));
      }
      return;
    }
    ByteBuffer all = scales.orElseThrow();
    int at = scaleAt(sequence, position, head);
    if (cache.perToken()) {
      all.putFloat(at, scaleOf(numbers));
    }
    for (int i = 0; i < numbers.length; i++) {
      bytes.put(first + i, encode(numbers[i] / all.getFloat(at)));
    }
  }

  private float scaleOf(float[] numbers) {
    float largest = 0;
    for (float number : numbers) {
      largest = Math.max(largest, Math.abs(number));
    }
    return largest == 0 ? 1 : largest / (cache.type() == KvCache.Type.INT8 ? 127f : 448f);
  }

  private byte encode(float ratio) {
    return cache.type() == KvCache.Type.INT8
        ? (byte) Math.rint(Math.max(-127, Math.min(127, ratio)))
        : (byte) NumberFormats.E4M3FN.encode(ratio, Overflow.SATURATE);
  }

  private double code(int index) {
    return switch (cache.type()) {
      case FP32 -> bytes.getFloat(Float.BYTES * index);
      case BF16 -> Float.intBitsToFloat(bytes.getShort(Short.BYTES * index) << 16);
      case INT8 -> bytes.get(index);
      case FP8 -> NumberFormats.E4M3FN.decode(bytes.get(index) & 0xFF);
    };
  }

  private int slot(int sequence, int position, int head) {
    return (sequence * cache.capacity() + position) * shape.keyHeads() + head;
  }

  private int scaleAt(int sequence, int position, int head) {
    int index = (sequence * shape.keyHeads() + head) * cache.capacity() + position;
    return Float.BYTES * (cache.perToken() ? index : 0);
  }
}
