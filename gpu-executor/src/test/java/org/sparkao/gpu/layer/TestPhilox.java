package org.sparkao.gpu.layer;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigInteger;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The generator against the vectors of its authors: Random123, kat_vectors, philox4x32 10. */
class TestPhilox {
  @Test
  void knowsThePublishedVectors() {
    assertThat(Philox.block(new int[] {0, 0, 0, 0}, 0, 0))
        .containsExactly(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8);
    assertThat(Philox.block(new int[] {-1, -1, -1, -1}, -1, -1))
        .containsExactly(0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd);
    assertThat(
            Philox.block(
                new int[] {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0xa4093822, 0x299f31d0))
        .containsExactly(0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1);
  }

  @Test
  void bitsAreTheFirstTwoWords() {
    int[] words = Philox.block(new int[] {7, 0x89abcdef, 0x01234567, 2}, 0x55667788, 0x11223344);
    assertThat(Philox.bits(0x1122334455667788L, Philox.Purpose.PROMPT, 0x0123456789abcdefL, 7))
        .isEqualTo(Integer.toUnsignedLong(words[0]) | (long) words[1] << 32);
  }

  @Test
  void aNumberBelowABoundIsTheHighHalfOfTheProduct() {
    Random random = new Random(1);
    for (int i = 0; i < 1000; i++) {
      long bits = random.nextLong();
      long bound = random.nextLong() >>> 1 + random.nextInt(62);
      BigInteger product =
          new BigInteger(Long.toUnsignedString(bits)).multiply(BigInteger.valueOf(bound));
      assertThat(Philox.below(bits, bound)).isEqualTo(product.shiftRight(64).longValueExact());
    }
  }
}
