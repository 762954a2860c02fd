package org.sparkao.gpu.optimizer;

import java.nio.ByteBuffer;

/**
 * Stored moments to numbers and back, a run of whole blocks at a time. Holds nothing that changes:
 * threads may share one.
 */
interface StateCodec {

  /**
   * Fills {@code out[0, count)} with elements [begin, begin + count).
   *
   * @param codes of the whole tensor, little endian
   * @param scales of the whole tensor, little endian; empty for fp32
   */
  void decode(ByteBuffer codes, ByteBuffer scales, int begin, int count, float[] out);

  /** Stores {@code values[0, count)} as elements [begin, begin + count). */
  void encode(float[] values, int begin, int count, ByteBuffer codes, ByteBuffer scales);

  /**
   * The codec of a format.
   *
   * @param signed for the first moment, else for the second, which is never negative
   */
  static StateCodec of(StateFormat format, boolean signed) {
    return switch (format) {
      case FP32 -> PlainState.CODEC;
      case INT8 -> signed ? MapState.SIGNED8 : MapState.UNSIGNED8;
      case INT4 -> signed ? MapState.SIGNED4 : MapState.UNSIGNED4;
      case FP8 -> Fp8State.CODEC;
    };
  }
}
