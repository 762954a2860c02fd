package org.sparkao.quant.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TestMagnitudeHistogram {

  @Test
  void percentileIsTheNearestRank() {
    MagnitudeHistogram histogram = new MagnitudeHistogram(128);
    for (int i = 1; i <= 100; i++) {
      histogram.add(i % 2 == 0 ? i : -i);
    }
    assertThat(histogram.total()).isEqualTo(100);
    assertThat(histogram.percentile(99)).isEqualTo(99);
    assertThat(histogram.percentile(98.5)).isEqualTo(99);
    assertThat(histogram.percentile(100)).isEqualTo(100);
    assertThat(histogram.percentile(0.5)).isEqualTo(1);
  }

  @Test
  void partsAddUpToTheWholeInAnyOrder() {
    Random random = new Random(3);
    MagnitudeHistogram whole = new MagnitudeHistogram(32);
    MagnitudeHistogram[] parts = new MagnitudeHistogram[3];
    Arrays.setAll(parts, i -> new MagnitudeHistogram(32));
    for (int i = 0; i < 3000; i++) {
      float value = (float) Math.exp(3 * random.nextGaussian());
      whole.add(value);
      parts[random.nextInt(3)].add(value);
    }
    parts[2].merge(parts[0]);
    parts[2].merge(parts[1]);
    assertThat(parts[2].total()).isEqualTo(3000);
    for (double percent = 1; percent <= 100; percent++) {
      assertThat(parts[2].percentile(percent)).isEqualTo(whole.percentile(percent));
    }
    assertThat(parts[2].leastSquaresCutOff(7.5)).isEqualTo(whole.leastSquaresCutOff(7.5));
  }

  /**
   * The optimal clipping of a normal distribution at 4 bits: 2.55 standard deviations (Banner et
   * al., "Post-training 4-bit quantization", 2019, section 3), for 16 levels of equal width.
   */
  @Test
  void leastSquaresCutOffOfANormalDistribution() {
    Random random = new Random(5);
    MagnitudeHistogram histogram = new MagnitudeHistogram(128);
    for (int i = 0; i < 400_000; i++) {
      histogram.add((float) random.nextGaussian());
    }
    assertThat(histogram.leastSquaresCutOff(8)).isCloseTo(2.55f, within(0.06f));
  }

  @Test
  void numbersThatAreNoneAreLeftOut() {
    MagnitudeHistogram histogram = new MagnitudeHistogram(8);
    histogram.add(Float.NaN);
    histogram.add(Float.NEGATIVE_INFINITY);
    assertThat(histogram.total()).isZero();
    assertThat(histogram.percentile(99)).isZero();
    assertThat(histogram.leastSquaresCutOff(7.5)).isZero();
    histogram.add(2);
    histogram.clear();
    assertThat(histogram.total()).isZero();
    assertThat(histogram.percentile(50)).isZero();
  }

  @Test
  void otherBinsDoNotMerge() {
    MagnitudeHistogram histogram = new MagnitudeHistogram(32);
    assertThatThrownBy(() -> histogram.merge(new MagnitudeHistogram(64)))
        .hasMessage("histograms of 32 and 64 bins an octave");
    assertThatThrownBy(() -> new MagnitudeHistogram(48))
        .hasMessage("48 bins an octave; use a power of two up to 128");
  }
}
