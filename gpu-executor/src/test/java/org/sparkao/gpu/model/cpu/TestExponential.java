package org.sparkao.gpu.model.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;

class TestExponential {
  @Test
  void isWithinTwoUlp() {
    Random random = new Random(1);
    float[] x = new float[1 << 16];
    for (int i = 0; i < x.length; i++) {
      x[i] = -87.3f + 175.5f * random.nextFloat();
    }
    float[] found = x.clone();
    Exponential.apply(found, 0, found.length, 0, 1);
    double worst = 0;
    for (int i = 0; i < x.length; i++) {
      double expected = Math.exp(x[i]);
      worst = Math.max(worst, Math.abs(found[i] - expected) / Math.ulp((float) expected));
    }
    assertThat(worst).isLessThanOrEqualTo(2);
  }

  @Test
  void keepsNanAndBounds() {
    float[] x = {
      Float.NaN, Float.NEGATIVE_INFINITY, -200, 0, Float.POSITIVE_INFINITY, 88.3f, -0f, -87.3f
    };
    Exponential.apply(x, 0, x.length, 0, 1);
    assertThat(x[0]).isNaN();
    assertThat(x[1]).isEqualTo(x[7]).isPositive();
    assertThat(x[2]).isEqualTo(x[7]);
    assertThat(x[3]).isEqualTo(1);
    assertThat(x[4]).isEqualTo(x[5]).isFinite();
    assertThat(x[6]).isEqualTo(1);
  }

  @Test
  void sumsAndFindsTheLargest() {
    float[] x = new float[1024];
    for (int i = 0; i < 1000; i++) {
      x[i] = i % 10;
    }
    assertThat(Exponential.sum(x, 0, 1000)).isEqualTo(4500);
    assertThat(Exponential.sum(x, 0, 1024)).isEqualTo(4500);
    assertThat(Exponential.largest(x, 0, 8)).isEqualTo(7);
  }
}
