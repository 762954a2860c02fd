package org.sparkao.gpu.gemm;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Numbers of gate and up in the order of tiled rows. */
class TestTiledOrder {
  @Test
  void rowsOfGateAndUpAlternate() {
    assertThat(floats(TiledOrder.rows(List.of(bytes(1, 2, 3), bytes(4, 5, 6)))))
        .containsExactly(1, 4, 2, 5, 3, 6);
    assertThat(floats(TiledOrder.rows(List.of(bytes(1, 2, 3))))).containsExactly(1, 2, 3);
  }

  @Test
  void oneScaleATensorStaysOneWithoutAGate() {
    assertThat(floats(TiledOrder.scales(Scaling.TENSOR, List.of(bytes(7)), 3))).containsExactly(7);
    assertThat(floats(TiledOrder.scales(Scaling.TENSOR, List.of(bytes(7), bytes(8)), 3)))
        .containsExactly(7, 8, 7, 8, 7, 8);
    assertThat(floats(TiledOrder.scales(Scaling.ROW, List.of(bytes(1, 2), bytes(3, 4)), 2)))
        .containsExactly(1, 3, 2, 4);
  }

  @Test
  void scalesOfBlocksStandOneAfterTheOther() {
    assertThat(floats(TiledOrder.scales(Scaling.BLOCK, List.of(bytes(1, 2), bytes(3, 4)), 16)))
        .containsExactly(1, 2, 3, 4);
  }

  private static ByteBuffer bytes(float... values) {
    return ByteBuffer.wrap(GemmData.bytes(values)).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static float[] floats(ByteBuffer bytes) {
    float[] values = new float[bytes.remaining() / Float.BYTES];
    bytes.asFloatBuffer().get(values);
    return values;
  }
}
