package org.sparkao.gpu.fake;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkao.gpu.fake.FakeSettings.Ranges;
import org.sparkao.gpu.tensor.HostTensor;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.Numerics;

/** Before anything is learned, fake weights are those of computed scales. */
class TestLearnedScales {
  /** More rows than a thread takes at a time, and a part of a band in the end. */
  private static final int ROWS = 200;

  private static final int COLUMNS = 256;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "W4A16(group_size=32)",
        "W3A16(group_size=64,symmetric=false)",
        "W8A8",
        "FP8_DYNAMIC",
        "FP8_BLOCK",
        "FP8"
      })
  void beginAsRoundToNearest(String scheme) {
    HostTensor weight = FakeCase.tensor(ROWS, COLUMNS, FakeCase.weights(ROWS, COLUMNS, 3));
    assertThat(fake(scheme, weight, Ranges.LEARNED_STEP))
        .isEqualTo(fake(scheme, weight, Ranges.COMPUTED));
  }

  private static float[] fake(String scheme, HostTensor weight, Ranges ranges) {
    SchemeFakes fakes = FakeCase.fakes(scheme, Numerics.COMPRESSED_TENSORS, DType.BF16, ranges);
    HostTensor fake = FakeCase.zeros(ROWS, COLUMNS);
    fakes.weight("m", weight).orElseThrow().forward(weight, fake);
    return fake.toFloats();
  }
}
