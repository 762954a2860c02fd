package org.sparkao.quant.format;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;

/** Operations on bits say what the definition of fp16 says. */
class TestHalf {
  private static final int CODES = 1 << 16;

  @Test
  void codesAreNumbersOfTheFormat() {
    for (int code = 0; code < CODES; code++) {
      assertThat(Float.floatToIntBits(Half.decode(code)))
          .as("code %d", code)
          .isEqualTo(Float.floatToIntBits(NumberFormats.FP16.decode(code)));
    }
  }

  /** Halves, what lies in the middle between two, and the fp32 numbers beside both. */
  @Test
  void numbersBecomeTheNearestCodes() {
    for (int code = 0; code < 0x7C00; code++) {
      float value = NumberFormats.FP16.decode(code);
      float next = code == 0x7BFF ? 65536 : NumberFormats.FP16.decode(code + 1);
      requireEqual(value);
      requireEqual((value + next) / 2);
    }
    Random random = new Random(1);
    for (int i = 0; i < 200_000; i++) {
      requireEqual(Float.intBitsToFloat(random.nextInt()));
    }
    requireEqual(Float.POSITIVE_INFINITY);
    requireEqual(Float.MIN_VALUE);
  }

  private static void requireEqual(float value) {
    for (float near : new float[] {value, Math.nextUp(value), Math.nextDown(value), -value}) {
      int expected = NumberFormats.FP16.encode(near, Overflow.SPECIAL);
      if (Half.encode(near) != expected) {
        assertThat(Half.encode(near)).as("%s", near).isEqualTo(expected);
      }
    }
  }
}
