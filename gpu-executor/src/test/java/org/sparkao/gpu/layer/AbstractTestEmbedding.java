package org.sparkao.gpu.layer;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkao.gpu.device.Buffer;

/** Rows of a table, bit for bit. */
abstract class AbstractTestEmbedding extends AbstractLayerTest {
  private static final int VOCABULARY = 101;

  abstract Embedding operator();

  @ParameterizedTest
  @ValueSource(ints = {8, 576, 4096})
  void gathers(int columns) {
    float[] table = CaseDevice.normal((long) VOCABULARY * columns, 3);
    for (int rows : ROWS) {
      int[] ids = new Random(rows).ints(rows, 0, VOCABULARY).toArray();
      assertThat(gather(tested, operator(), table, columns, ids))
          .isEqualTo(gather(reference, new ReferenceEmbedding(), table, columns, ids));
    }
  }

  @Test
  void showsUnknownIds() {
    float[] table = CaseDevice.normal(16, 3);
    float[] y = gather(tested, operator(), table, 8, 2, -1);
    assertThat(y).hasSize(16).containsOnly(Float.NaN);
  }

  static float[] gather(CaseDevice on, Embedding operator, float[] table, int columns, int... ids) {
    Buffer y = on.emptyBf16((long) ids.length * columns);
    Buffer values = on.bf16(table);
    operator.gather(
        new Embedding.Table(values, table.length / columns, columns), on.ints(ids), y, ids.length);
    return on.readBf16(y);
  }
}
