package org.sparkao.gpu.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.gpu.gemm.HostRules;

/** The arithmetic of sampling: Java and the headers of the kernel to the bit, and against exp. */
class TestSamplingRules {
  @Test
  void weightsAreThoseOfTheKernel(@TempDir Path folder) throws IOException, InterruptedException {
    List<HostRules.Decision> decisions = HostRules.decisions(folder, "sample");
    HostRules.assertSame(
        decisions,
        "weight",
        20000,
        of ->
            SamplingWeight.of(
                Float.intBitsToFloat(of[0]),
                Float.intBitsToFloat(of[1]),
                Float.intBitsToFloat(of[2])));
    HostRules.assertSame(
        decisions, "key", 20000, of -> SamplingWeight.key(Float.intBitsToFloat(of[0])));
    HostRules.assertSame(
        decisions,
        "philox",
        200,
        of ->
            Arrays.stream(Philox.block(Arrays.copyOf(of, 4), of[4], of[5]))
                .mapToObj("%08x"::formatted)
                .collect(Collectors.joining(" ")));
  }

  @Test
  void weightsAreExponentials() {
    float scale = new SamplingRule(0.7, 0, 1, 0).exponentScale();
    for (float logit = -20; logit <= 5; logit += 0.0137f) {
      double expected = Math.exp((logit - 5) / 0.7);
      double found = SamplingWeight.of(logit, 5, scale) * 0x1p-40;
      // Three roundings of an exponent of at most 41, one ulp of the polynomial, and the floor.
      assertThat(Math.abs(found - expected)).isLessThanOrEqualTo(4e-6 * expected + 0x1p-40);
    }
    assertThat(SamplingWeight.of(5, 5, scale)).isEqualTo(1L << 40);
    assertThat(SamplingWeight.of(Float.NaN, 5, scale)).isZero();
    assertThat(SamplingWeight.of(Float.NEGATIVE_INFINITY, 5, scale)).isZero();
  }

  @Test
  void keysAreInTheOrderOfLogits() {
    float[] sorted = {Float.NEGATIVE_INFINITY, -7, -1e-40f, 0, 1e-40f, 3, Float.POSITIVE_INFINITY};
    for (int i = 1; i < sorted.length; i++) {
      assertThat(SamplingWeight.key(sorted[i])).isGreaterThan(SamplingWeight.key(sorted[i - 1]));
    }
    assertThat(SamplingWeight.key(-0f)).isEqualTo(SamplingWeight.key(0f));
  }

  @Test
  void rulesThatMeanNothingAreRefused() {
    assertThatThrownBy(() -> new SamplingRule(-1, 0, 1, 0)).hasMessageContaining("temperature -1");
    assertThatThrownBy(() -> new SamplingRule(Double.NaN, 0, 1, 0)).hasMessageContaining("NaN");
    assertThatThrownBy(() -> new SamplingRule(1, -1, 1, 0)).hasMessageContaining("top-k -1");
    assertThatThrownBy(() -> new SamplingRule(1, 0, 0, 0)).hasMessageContaining("top-p 0");
    assertThatThrownBy(() -> new SamplingRule(1, 0, 1.1, 0)).hasMessageContaining("top-p 1.1");
    assertThatThrownBy(() -> new SamplingRule(1, 0, 1, -1)).hasMessageContaining("-1 greedy");
  }
}
