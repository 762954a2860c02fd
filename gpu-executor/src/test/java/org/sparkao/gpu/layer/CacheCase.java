package org.sparkao.gpu.layer;

import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import org.sparkao.gpu.device.Buffer;

/** The contents of a cache, which every device of a test gets a copy of. */
final class CacheCase {
  private final KvCache.Type type;
  private final HeadShape shape;
  private final int capacity;
  private final boolean perToken;
  private final float[][] numbers;
  private final byte[][] codes;
  private final float[][] scales;

  private CacheCase(
      KvCache.Type type, HeadShape shape, int sequences, int capacity, boolean perToken) {
    this.type = type;
    this.shape = shape;
    this.capacity = capacity;
    this.perToken = perToken;
    int slots = sequences * capacity * shape.keyHeads();
    this.numbers = new float[2][slots * shape.dimension()];
    this.codes = new byte[2][slots * shape.dimension()];
    this.scales = new float[2][perToken ? slots : 1];
  }

  /** Random keys and values. */
  static CacheCase random(
      KvCache.Type type, HeadShape shape, int sequences, int capacity, boolean perToken) {
    CacheCase made = new CacheCase(type, shape, sequences, capacity, perToken);
    Random random = new Random(31L * shape.dimension() + sequences);
    for (int side = 0; side < 2; side++) {
      made.numbers[side] = CaseDevice.normal(made.numbers[side].length, side + 5L);
      random.nextBytes(made.codes[side]);
      for (int i = 0; i < made.codes[side].length; i++) {
        // e4m3 codes below 2; int8 codes as they are.
        made.codes[side][i] &= (byte) (type == KvCache.Type.FP8 ? 0xBF : 0xFF);
      }
      for (int i = 0; i < made.scales[side].length; i++) {
        float unit = type == KvCache.Type.FP8 ? 1f : 0.01f;
        made.scales[side][i] = unit * (0.5f + random.nextFloat());
      }
    }
    return made;
  }

  /** All of it. */
  KvCache on(CaseDevice device) {
    return on(device, 0, numbers[0].length / (capacity * shape.keyHeads() * shape.dimension()));
  }

  /** Some sequences. */
  KvCache on(CaseDevice device, int first, int sequences) {
    int heads = capacity * shape.keyHeads();
    Optional<KvCache.Scales> all =
        type == KvCache.Type.BF16
            ? Optional.empty()
            : Optional.of(
                new KvCache.Scales(
                    scales(device, 0, first * heads, (first + sequences) * heads),
                    scales(device, 1, first * heads, (first + sequences) * heads),
                    perToken));
    int begin = first * heads * shape.dimension();
    int end = (first + sequences) * heads * shape.dimension();
    return new KvCache(
        type, side(device, 0, begin, end), side(device, 1, begin, end), all, sequences, capacity);
  }

  private Buffer side(CaseDevice device, int side, int begin, int end) {
    return type == KvCache.Type.BF16
        ? device.bf16(Arrays.copyOfRange(numbers[side], begin, end))
        : device.bytes(Arrays.copyOfRange(codes[side], begin, end));
  }

  private Buffer scales(CaseDevice device, int side, int begin, int end) {
    return device.floats(perToken ? Arrays.copyOfRange(scales[side], begin, end) : scales[side]);
  }
}
