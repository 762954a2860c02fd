package org.sparkao.gpu.quantize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.Device;
import org.sparkao.quant.format.NumberFormats;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.safetensors.DType;

/** Codes of activations on any device, against plain loops over doubles. */
abstract class AbstractTestActivationQuantizer {
  private static final float EPSILON = 1e-5f;

  private Device device;
  private ActivationQuantizer quantizer;

  abstract Device open();

  abstract ActivationQuantizer quantizer(Device device);

  void closed() {}

  @BeforeEach
  void begin() {
    device = open();
    quantizer = quantizer(device);
  }

  @AfterEach
  void end() {
    closed();
    device.close();
  }

  /** Codes, and scales. */
  record Quantized(byte[] codes, float[] scales) {}

  @ParameterizedTest
  @EnumSource
  void rowsAreScaledByTheirLargestValue(ActivationQuantizer.Codes kind) {
    for (int k : new int[] {16, 48, 4096, 8192, 28672, 32768}) {
      for (int m : new int[] {1, 3, 8, 17}) {
        byte[] x = WeightCases.weights(DType.BF16, m, k);
        Quantized actual = rows(m, k, kind, x);
        for (int row = 0; row < m; row++) {
          checkGroup(kind, x, row * k, k, actual, actual.scales[row]);
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void groupsAreScaledByTheirLargestValue(ActivationQuantizer.Codes kind) {
    int m = 11;
    int k = 4096 + 128;
    byte[] x = WeightCases.weights(DType.BF16, m, k);
    int groups = k / ActivationQuantizer.GROUP;
    Quantized actual =
        run(m, k, m * groups, x, (in, out) -> quantizer.quantizeGroups(m, k, kind, in, out));
    for (int i = 0; i < m * groups; i++) {
      checkGroup(
          kind,
          x,
          i * ActivationQuantizer.GROUP,
          ActivationQuantizer.GROUP,
          actual,
          actual.scales[i]);
    }
  }

  @ParameterizedTest
  @EnumSource
  void rowsDoNotDependOnEachOther(ActivationQuantizer.Codes kind) {
    int k = 1024;
    byte[] x = WeightCases.weights(DType.BF16, 129, k);
    Quantized all = rows(129, k, kind, x);
    byte[] last = new byte[2 * k];
    System.arraycopy(x, 128 * 2 * k, last, 0, last.length);
    Quantized alone = rows(1, k, kind, last);
    assertThat(alone.scales[0]).isEqualTo(all.scales[128]);
    for (int j = 0; j < k; j++) {
      assertThat(alone.codes[j]).isEqualTo(all.codes[128 * k + j]);
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 64", "2, 4096", "7, 8192", "33, 2048", "3, 16384"})
  void normalizedRowsAreThoseOfTheNorm(int m, int k) {
    Random random = new Random(m + k);
    byte[] x = normal(random, m * k, 3);
    byte[] weight = normal(random, k, 1);
    Buffer values = buffer(weight);
    ActivationQuantizer.NormWeight norm = new ActivationQuantizer.NormWeight(values, EPSILON);
    Quantized actual =
        run(m, k, m, x, (in, out) -> quantizer.quantizeNormalizedRows(m, k, in, norm, out));
    double difference = 0;
    double size = 0;
    for (int row = 0; row < m; row++) {
      double squares = 0;
      for (int j = 0; j < k; j++) {
        squares += Math.pow(WeightType.BF16.read(x, 2 * (row * k + j)), 2);
      }
      double factor = 1 / Math.sqrt(squares / k + EPSILON);
      for (int j = 0; j < k; j++) {
        double y = WeightType.BF16.read(x, 2 * (row * k + j)) * factor;
        y *= WeightType.BF16.read(weight, 2 * j);
        double code = NumberFormats.E4M3FN.decode(actual.codes[row * k + j]);
        difference += Math.pow(code * actual.scales[row] - y, 2);
        size += y * y;
      }
    }
    assertThat(Math.sqrt(difference / size)).isLessThan(0.035);
  }

  @Test
  void refusesRowsThatNoKernelTakes() {
    byte[] x = new byte[2 * 24];
    assertThatThrownBy(() -> rows(1, 24, ActivationQuantizer.Codes.INT8, x))
        .hasMessage("activations [1, 24]: K is a multiple of 16 up to 32768");
  }

  private Quantized rows(int m, int k, ActivationQuantizer.Codes kind, byte[] x) {
    return run(m, k, m, x, (in, out) -> quantizer.quantizeRows(m, k, kind, in, out));
  }

  /** One operation. */
  interface Operation {
    void run(Buffer x, ActivationQuantizer.QuantizedRows out);
  }

  private Quantized run(int m, int k, int scales, byte[] x, Operation operation) {
    try (Buffer in = buffer(x);
        Buffer codes = device.allocate((long) m * k);
        Buffer factors = device.allocate(4L * scales)) {
      operation.run(in, new ActivationQuantizer.QuantizedRows(codes, factors));
      ByteBuffer codeBytes = ByteBuffer.allocate(m * k);
      ByteBuffer scaleBytes = ByteBuffer.allocate(4 * scales).order(ByteOrder.LITTLE_ENDIAN);
      device.read(codes, 0, codeBytes);
      device.read(factors, 0, scaleBytes);
      float[] values = new float[scales];
      scaleBytes.rewind().asFloatBuffer().get(values);
      return new Quantized(codeBytes.array(), values);
    }
  }

  private Buffer buffer(byte[] bytes) {
    Buffer buffer = device.allocate(bytes.length);
    device.write(buffer, 0, ByteBuffer.wrap(bytes));
    return buffer;
  }

  private static byte[] normal(Random random, int count, float deviation) {
    byte[] bytes = new byte[2 * count];
    for (int i = 0; i < count; i++) {
      float value = (float) random.nextGaussian() * deviation;
      WeightType.BF16.write(WeightType.BF16.round(value), bytes, 2 * i);
    }
    return bytes;
  }

  /** Scale and codes of a group, by the definition. */
  private static void checkGroup(
      ActivationQuantizer.Codes kind,
      byte[] x,
      int begin,
      int count,
      Quantized actual,
      float scale) {
    WeightType type = WeightType.BF16;
    float amax = 0;
    for (int j = begin; j < begin + count; j++) {
      float magnitude = Math.abs(type.read(x, 2 * j));
      amax = magnitude <= Float.MAX_VALUE ? Math.max(amax, magnitude) : amax;
    }
    boolean int8 = kind == ActivationQuantizer.Codes.INT8;
    float expected = type.round(amax / (int8 ? 127.5f : 448));
    assertThat(scale).isEqualTo(expected == 0 ? type.epsilon() : expected);
    for (int j = begin; j < begin + count; j++) {
      float value = type.read(x, 2 * j);
      if (Math.abs(value) <= Float.MAX_VALUE) {
        float position = type.round(value / scale);
        double code = int8 ? actual.codes[j] : NumberFormats.E4M3FN.decode(actual.codes[j]);
        double step = int8 ? 1 : Math.max(Math.abs(position) / 8, 0x1p-9);
        assertThat(
                Math.abs(code - Math.max(int8 ? -128 : -448, Math.min(int8 ? 127 : 448, position))))
            .isLessThanOrEqualTo(step / 2);
      }
    }
  }
}
