package org.sparkao.gpu.model.cpu;

import java.nio.ByteBuffer;
import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.layer.HeadShape;
import org.sparkao.gpu.layer.KvCache;
import org.sparkao.quant.format.NumberFormats;

/** Reads the keys, or the values, of a cache. */
final class CacheNumbers {
  private static final float[] E4M3 = new float[1 << Byte.SIZE];

  static {
    for (int code = 0; code < E4M3.length; code++) {
      E4M3[code] = NumberFormats.E4M3FN.decode(code);
    }
  }

  private final KvCache cache;
  private final HeadShape shape;
  private final ByteBuffer bytes;
  private final Optional<ByteBuffer> scales;

  private CacheNumbers(KvCache cache, HeadShape shape, Buffer numbers, Optional<Buffer> scales) {
    this.cache = cache;
    this.shape = shape;
    this.bytes = CpuDevice.bytes(numbers);
    this.scales = scales.map(CpuDevice::bytes);
  }

  static CacheNumbers keys(KvCache cache, HeadShape shape) {
    return new CacheNumbers(cache, shape, cache.keys(), cache.scales().map(KvCache.Scales::keys));
  }

  static CacheNumbers values(KvCache cache, HeadShape shape) {
    return new CacheNumbers(
        cache, shape, cache.values(), cache.scales().map(KvCache.Scales::values));
  }

  /** The numbers of a head of a token. */
  void read(int sequence, int position, int head, float[] to) {
    long slot = ((long) sequence * cache.capacity() + position) * shape.keyHeads() + head;
    int at = Math.toIntExact(slot * shape.dimension() * cache.type().bytes());
    float scale = scales.isPresent() ? scale(sequence, position, head) : 1;
    switch (cache.type()) {
      case FP32 ->
          bytes.slice(at, Float.BYTES * to.length).order(bytes.order()).asFloatBuffer().get(to);
      case BF16 -> {
        for (int i = 0; i < to.length; i++) {
          to[i] = Float.intBitsToFloat(bytes.getShort(at + Short.BYTES * i) << Short.SIZE);
        }
      }
      case INT8 -> {
        for (int i = 0; i < to.length; i++) {
          to[i] = scale * bytes.get(at + i);
        }
      }
      case FP8 -> {
        for (int i = 0; i < to.length; i++) {
          to[i] = scale * E4M3[Byte.toUnsignedInt(bytes.get(at + i))];
        }
      }
    }
  }

  private float scale(int sequence, int position, int head) {
    boolean each = cache.scales().orElseThrow().perToken();
    int index = (sequence * shape.keyHeads() + head) * cache.capacity() + position;
    return scales.orElseThrow().getFloat(each ? Float.BYTES * index : 0);
  }
}
