package org.sparkao.gpu.optimizer;

import java.nio.ByteBuffer;

/**
 * Codes are places in an ascending map of numbers: value / scale goes to the nearest number, halves
 * up. The comparison is value - lower >= (upper - lower) / 2, each operation rounded to fp32, as
 * torchao's.
 */
final class MapState implements StateCodec {
  static final MapState SIGNED8 = new MapState(StateFormat.INT8, StateMaps.signed8());
  static final MapState UNSIGNED8 = new MapState(StateFormat.INT8, StateMaps.unsigned8());
  static final MapState SIGNED4 = new MapState(StateFormat.INT4, StateMaps.signed4());
  static final MapState UNSIGNED4 = new MapState(StateFormat.INT4, StateMaps.unsigned4());

  private static final int HALF = 4;
  private static final int LOW = 0xF;

  private final boolean paired;
  private final int block;
  private final float[] map;
  private final RoundingTable table;

  private MapState(StateFormat format, float[] map) {
    this.paired = format == StateFormat.INT4;
    this.block = format.block();
    this.map = map;
    this.table = new RoundingTable(map.length, this::nearest);
  }

  /** What codes stand for, ascending. */
  float[] numbers() {
    return map.clone();
  }

  /** The code of a position, as a table. */
  RoundingTable table() {
    return table;
  }

  @Override
  public void decode(ByteBuffer codes, ByteBuffer scales, int begin, int count, float[] out) {
    byte[] bytes = new byte[paired ? count / 2 : count];
    codes.get(paired ? begin / 2 : begin, bytes);
    for (int first = 0; first < count; first += block) {
      float scale = scales.getFloat((begin + first) / block * Float.BYTES);
      for (int i = first; i < first + block; i++) {
        out[i] = map[code(bytes, i)] * scale;
      }
    }
  }

  private int code(byte[] bytes, int i) {
    return paired ? bytes[i >> 1] >> ((i & 1) == 0 ? HALF : 0) & LOW : bytes[i] & 0xFF;
  }

  @Override
  public void encode(float[] values, int begin, int count, ByteBuffer codes, ByteBuffer scales) {
    byte[] bytes = new byte[paired ? count / 2 : count];
    for (int first = 0; first < count; first += block) {
      float scale = BlockScale.largest(values, first, first + block);
      scales.putFloat((begin + first) / block * Float.BYTES, scale);
      for (int i = first; i < first + block; i++) {
        int code = table.rank(values[i] / scale);
        if (!paired) {
          bytes[i] = (byte) code;
        } else {
          bytes[i >> 1] |= (byte) ((i & 1) == 0 ? code << HALF : code);
        }
      }
    }
    codes.put(paired ? begin / 2 : begin, bytes);
  }

  /** The rule itself. */
  private int nearest(float value) {
    int below = 0;
    for (int step = map.length / 2; step > 0; step /= 2) {
      below += value >= map[below + step] ? step : 0;
    }
    int above = Math.min(below + 1, map.length - 1);
    float rest = value - map[below];
    return rest >= (map[above] - map[below]) * 0.5f ? above : below;
  }
}
