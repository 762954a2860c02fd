package org.sparkao.quant.format;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What holds for every format, from its definition alone. */
class TestNumberFormats {
  /** Largest finite numbers as the specifications print them. */
  private static final Map<String, Float> LARGEST =
      Map.ofEntries(
          Map.entry("bf16", 0x1.fep127f),
          Map.entry("fp16", 65504f),
          Map.entry("e4m3fn", 448f),
          Map.entry("e5m2", 57344f),
          Map.entry("e2m1", 6f),
          Map.entry("e3m2", 28f),
          Map.entry("e2m3", 7.5f),
          Map.entry("e8m0", 0x1p127f),
          Map.entry("int1", 0f),
          Map.entry("int2", 1f),
          Map.entry("int3", 3f),
          Map.entry("int4", 7f),
          Map.entry("int5", 15f),
          Map.entry("int6", 31f),
          Map.entry("int7", 63f),
          Map.entry("int8", 127f));

  static List<NumberFormat> formats() {
    return NumberFormats.all();
  }

  @Test
  void namesAreUnique() {
    assertThat(formats().stream().map(NumberFormat::name).collect(Collectors.toSet()))
        .hasSameSizeAs(formats());
  }

  @ParameterizedTest
  @MethodSource("formats")
  void largestIsAsSpecified(NumberFormat format) {
    assertThat(format.largest()).isEqualTo(LARGEST.get(format.name()));
  }

  @ParameterizedTest
  @MethodSource("formats")
  void everyCodeRoundTrips(NumberFormat format) {
    for (int code = 0; code < 1 << format.bits(); code++) {
      float value = format.decode(code);
      int again = format.encode(value, Overflow.SPECIAL);
      if (Float.isNaN(value)) {
        assertThat(format.decode(again)).as("code %d", code).isNaN();
      } else {
        assertThat(again).as("code %d", code).isEqualTo(code);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void encodingIsMonotoneAndNearest(NumberFormat format) {
    float[] values = new float[1 << format.bits()];
    int finite = 0;
    for (int code = 0; code < values.length; code++) {
      float value = format.decode(code);
      if (Float.isFinite(value)) {
        values[finite++] = value;
      }
    }
    Arrays.sort(values, 0, finite);
    // e8m0 sends all of fp32's subnormal numbers above 2^-127 up, as PyTorch does.
    int first = format instanceof PowerOfTwo ? 2 : 1;
    for (int i = first; i < finite; i++) {
      double middle = ((double) values[i - 1] + values[i]) / 2;
      if (values[i - 1] < values[i] && (float) middle == middle) {
        assertTie(format, values[i - 1], values[i]);
      }
      float below = (float) middle;
      float above = (float) middle;
      while (below >= middle) {
        below = Math.nextDown(below);
      }
      while (above <= middle) {
        above = Math.nextUp(above);
      }
      if (values[i - 1] < below) {
        assertThat(format.decode(format.encode(below, Overflow.SPECIAL))).isEqualTo(values[i - 1]);
      }
      if (above < values[i]) {
        assertThat(format.decode(format.encode(above, Overflow.SPECIAL))).isEqualTo(values[i]);
      }
    }
  }

  /** Half-way goes to the code whose last bit is 0 (IEEE 754), for powers of two up (PyTorch). */
  private static void assertTie(NumberFormat format, float low, float high) {
    float middle = (float) (((double) low + high) / 2);
    int code = format.encode(middle, Overflow.SPECIAL);
    if (format instanceof PowerOfTwo) {
      assertThat(format.decode(code)).as("tie %s", middle).isEqualTo(high);
    } else {
      assertThat(format.decode(code)).as("tie %s", middle).isIn(low, high);
      assertThat(code & 1).as("last bit of code %d for the tie %s", code, middle).isZero();
    }
  }

  static List<NumberFormat> signedFormats() {
    return formats().stream().filter(format -> !(format instanceof PowerOfTwo)).toList();
  }

  @ParameterizedTest
  @MethodSource("signedFormats")
  void saturates(NumberFormat format) {
    int largest = format.encode(format.largest(), Overflow.SATURATE);
    assertThat(format.encode(Float.MAX_VALUE, Overflow.SATURATE)).isEqualTo(largest);
    assertThat(format.encode(Float.POSITIVE_INFINITY, Overflow.SATURATE)).isEqualTo(largest);
    assertThat(format.decode(format.encode(Float.NEGATIVE_INFINITY, Overflow.SATURATE)))
        .isLessThanOrEqualTo(-format.largest());
  }

  /** 255 is NaN and 254 the largest, 2^127 (OCP MX 1.0, section 5.4.1); PyTorch drops signs. */
  @Test
  void powersOfTwoHaveNothingToSaturateTo() {
    NumberFormat format = NumberFormats.E8M0;
    assertThat(format.encode(0x1p127f, Overflow.SATURATE)).isEqualTo(254);
    assertThat(format.encode(Math.nextDown(0x1.8p127f), Overflow.SATURATE)).isEqualTo(254);
    assertThat(format.encode(0x1.8p127f, Overflow.SATURATE)).isEqualTo(255);
    assertThat(format.encode(Float.MAX_VALUE, Overflow.SATURATE)).isEqualTo(255);
    assertThat(format.encode(Float.POSITIVE_INFINITY, Overflow.SATURATE)).isEqualTo(255);
    assertThat(format.encode(Float.NEGATIVE_INFINITY, Overflow.SATURATE)).isEqualTo(255);
    assertThat(format.encode(-2f, Overflow.SATURATE)).isEqualTo(128);
    assertThat(format.encode(0f, Overflow.SATURATE)).isZero();
    assertThat(format.encode(0f, Overflow.SPECIAL)).isEqualTo(255);
    assertThat(format.encode(-2f, Overflow.SPECIAL)).isEqualTo(255);
  }

  @Test
  void nanHasADefinedCode() {
    assertThat(NumberFormats.E4M3FN.encode(Float.NaN, Overflow.SATURATE)).isEqualTo(0x7F);
    assertThat(NumberFormats.E5M2.encode(Float.NaN, Overflow.SPECIAL)).isEqualTo(0x7F);
    assertThat(NumberFormats.E2M1.encode(Float.NaN, Overflow.SPECIAL)).isZero();
    assertThat(NumberFormats.E8M0.encode(Float.NaN, Overflow.SPECIAL)).isEqualTo(255);
    assertThat(new TwosComplement(4).encode(Float.NaN, Overflow.SPECIAL)).isZero();
  }
}
