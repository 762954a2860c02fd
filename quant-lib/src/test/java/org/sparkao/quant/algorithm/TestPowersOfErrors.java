package org.sparkao.quant.algorithm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;
import org.sparkao.quant.safetensors.DType;

/** The tables that devices search the least error with. */
class TestPowersOfErrors {
  private static final int DOUBLES = 256 + 1025 + 1;

  private static ByteBuffer tables(DType dtype) {
    return ByteBuffer.wrap(Quantizers.powersOfErrors(dtype)).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static double at(ByteBuffer tables, int index) {
    return tables.getDouble(Double.BYTES * index);
  }

  @Test
  void normsAreExactAndRoundedToTheType() {
    assertThat(at(tables(DType.F32), DOUBLES - 1)).isEqualTo(2.4);
    assertThat(at(tables(DType.BF16), 2 * DOUBLES - 1)).isEqualTo(2.40625);
    assertThat(at(tables(DType.F16), 2 * DOUBLES - 1)).isEqualTo(2.400390625);
  }

  @Test
  void exponentsAndMantissasHavePowers() {
    ByteBuffer tables = tables(DType.F32);
    assertThat(at(tables, 127)).isEqualTo(1);
    assertThat(at(tables, 128)).isCloseTo(5.278031643091577, within(1e-12));
    assertThat(at(tables, 256)).isEqualTo(1);
    assertThat(at(tables, 256 + 512)).isCloseTo(2.6461778006805154, within(1e-12));
  }

  @Test
  void bf16HasPowersOfAllMagnitudes() {
    ByteBuffer tables = tables(DType.BF16);
    int first = 2 * DOUBLES * Double.BYTES;
    assertThat(tables.capacity()).isEqualTo(first + Float.BYTES * (1 << 15));
    assertThat(tables.getFloat(first)).isZero();
    assertThat(tables.getFloat(first + Float.BYTES * 0x3F80)).isEqualTo(1);
    // 2^2.40625 is 5.3009..., between 5.28125 and 5.3125.
    assertThat(tables.getFloat(first + Float.BYTES * 0x4000)).isEqualTo(5.3125f);
    assertThat(tables(DType.F16).capacity()).isEqualTo(first);
  }
}
