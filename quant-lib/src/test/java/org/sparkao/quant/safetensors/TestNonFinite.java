package org.sparkao.quant.safetensors;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import java.util.function.IntPredicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Against Java's own tests of float and double, and against the tables of the 8-bit types. */
class TestNonFinite {
  private static final Random RANDOM = new Random(3);

  /** Every value of 16 bits once: 2 signs x 128 mantissas, 2 x 1024. */
  @Test
  void allValuesOfSixteenBits() {
    ByteBuffer all = ByteBuffer.allocate(2 << 16).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < 1 << 16; i++) {
      all.putShort((short) i);
    }
    assertThat(NonFinite.count(DType.BF16, all.array(), 0, 2 << 16)).isEqualTo(2 * 128);
    assertThat(NonFinite.count(DType.F16, all.array(), 0, 2 << 16)).isEqualTo(2 * 1024);
  }

  /** OCP 8-bit formats: e4m3 has NaN at s.1111.111, e5m2 infinity and NaN at s.11111.mm. */
  @Test
  void eachValueOfEightBits() {
    eachOfEightBits(DType.F8_E4M3, code -> code == 0x7f || code == 0xff);
    eachOfEightBits(DType.F8_E5M2, code -> (code & 0x7f) >= 0x7c);
    eachOfEightBits(DType.F8_E8M0, code -> code == 0xff);
    eachOfEightBits(DType.I8, code -> false);
    eachOfEightBits(DType.F4, code -> false);
  }

  private static void eachOfEightBits(DType type, IntPredicate nonFinite) {
    for (int code = 0; code < 256; code++) {
      byte[] one = {0, 0, 0, (byte) code, 0, 0, 0, 0, 0, (byte) code};
      assertThat(NonFinite.count(type, one, 1, 9))
          .as("%s %02x", type, code)
          .isEqualTo(nonFinite.test(code) ? 2 : 0);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "F64"})
  void randomBitsOfEveryLength(DType type) {
    for (int elements = 0; elements < 40; elements++) {
      ByteBuffer bytes = ByteBuffer.allocate(8 * elements).order(ByteOrder.LITTLE_ENDIAN);
      long expected = 0;
      for (int i = 0; i < elements; i++) {
        if (type == DType.F32) {
          int bits = RANDOM.nextInt() | (RANDOM.nextBoolean() ? 0x7f800000 : 0);
          expected += Float.isFinite(Float.intBitsToFloat(bits)) ? 0 : 1;
          bytes.putInt(bits);
        } else {
          long bits = RANDOM.nextLong() | (RANDOM.nextBoolean() ? 0x7ffL << 52 : 0);
          expected += Double.isFinite(Double.longBitsToDouble(bits)) ? 0 : 1;
          bytes.putLong(bits);
        }
      }
      assertThat(NonFinite.count(type, bytes.array(), 0, bytes.position()))
          .as("%d of %s", elements, type)
          .isEqualTo(expected);
    }
  }
}
