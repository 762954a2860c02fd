package org.sparkao.gpu.optimizer;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The maps of both moments as kernels take them: two of {@code Map} of {@code adamw/maps.cuh},
 * which has the same constants.
 */
final class DeviceMaps {
  private static final int CODES = 256;
  private static final int BEGINS = CODES + 4;
  private static final int PREFIX_SHIFT = 18;
  private static final int PREFIX_BASE = 103 << 5;
  private static final int PREFIXES = 24 * 32 + 1;
  private static final int FIRST_BYTES = 772;
  private static final int MAP_BYTES = Float.BYTES * (CODES + BEGINS) + 2 * FIRST_BYTES;

  private DeviceMaps() {}

  /** Of a format that has maps. */
  static ByteBuffer of(MapState first, MapState second) {
    ByteBuffer all = ByteBuffer.allocate(2 * MAP_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    write(first, all.slice(0, MAP_BYTES).order(ByteOrder.LITTLE_ENDIAN));
    write(second, all.slice(MAP_BYTES, MAP_BYTES).order(ByteOrder.LITTLE_ENDIAN));
    return all;
  }

  private static void write(MapState map, ByteBuffer to) {
    float[] numbers = map.numbers();
    RoundingTable table = map.table();
    for (int code = 0; code < numbers.length; code++) {
      to.putFloat(Float.BYTES * code, numbers[code]);
      // That of code 0 is never looked at; behind the last stands infinity.
      to.putFloat(Float.BYTES * (CODES + code + 1), table.begin(code + 1));
    }
    int positive = Float.BYTES * (CODES + BEGINS);
    for (int prefix = 0; prefix < PREFIXES; prefix++) {
      int bits = PREFIX_BASE + prefix << PREFIX_SHIFT;
      float least = prefix == 0 ? 0 : Float.intBitsToFloat(bits);
      float largest = Float.intBitsToFloat(bits | (1 << PREFIX_SHIFT) - 1);
      to.put(positive + prefix, (byte) table.rank(least));
      to.put(positive + FIRST_BYTES + prefix, (byte) table.rank(-largest));
    }
  }
}
