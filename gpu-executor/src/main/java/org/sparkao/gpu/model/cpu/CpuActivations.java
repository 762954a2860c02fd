package org.sparkao.gpu.model.cpu;

import java.util.Optional;
import org.sparkao.gpu.fake.InputScheme;
import org.sparkao.gpu.model.ExecutionForm;
import org.sparkao.gpu.model.LinearWeight;
import org.sparkao.quant.algorithm.FakeQuantizer;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.Quantizers;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.QuantArgs;

/**
 * How activations are quantized, in fp32: a scale is amax / 448 or amax / 127.5, the epsilon of
 * fp32 where all are zero, or the stored one; a code is x / scale, saturated and rounded to nearest
 * even.
 *
 * @param form what they become
 * @param stored scale, where {@code form} has one
 * @param scheme of a row, where {@code form} asks for it
 */
record CpuActivations(
    ExecutionForm.Activations form, float stored, Optional<QuantizeRequest> scheme) {
  private static final int GROUP = 128;
  private static final float FP8_RANGE = 448;
  private static final float INT8_RANGE = 127.5f;
  private static final float INT8_LEAST = -128;
  private static final float INT8_MOST = 127;

  /** 1.5 * 2^23: adding it to a number below 2^22 rounds to a whole number, ties to even. */
  private static final float WHOLE = 0x1.8p23f;

  /** Of the smallest normal number of e4m3, 2^-6, as fp32 stores it. */
  private static final int E4M3_SMALLEST_EXPONENT = 127 - 6;

  /** The last bit of a sum with 2^20 times a number is worth a step of e4m3. */
  private static final int E4M3_STEP_EXPONENT = 23 - 3;

  private static final int MANTISSA_BITS = 23;

  CpuActivations(ExecutionForm.Activations form, float stored) {
    this(form, stored, Optional.empty());
  }

  /** Of a stored weight. */
  static CpuActivations of(ExecutionForm.Activations form, LinearWeight.Quantized weight) {
    boolean fixed =
        form == ExecutionForm.Activations.FP8_STATIC
            || form == ExecutionForm.Activations.INT8_STATIC;
    if (form == ExecutionForm.Activations.SCHEME) {
      QuantizeRequest request = weight.request();
      QuantArgs args = request.scheme().activations().orElseThrow();
      return new CpuActivations(
          form,
          0,
          Optional.of(
              InputScheme.request(
                  args, request.numerics(), DType.F32, 1, request.weight().columns())));
    }
    return new CpuActivations(form, fixed ? StoredFloats.all(weight.inputScales().get(0))[0] : 0);
  }

  /** As they are. */
  static CpuActivations unquantized() {
    return new CpuActivations(ExecutionForm.Activations.UNQUANTIZED, 0);
  }

  /** Whether a row has one scale and whole codes. */
  boolean areIntegers() {
    return form == ExecutionForm.Activations.INT8_ROW
        || form == ExecutionForm.Activations.INT8_STATIC;
  }

  /** Makes the numbers of their codes of a row x[first] to x[first + count - 1], in place. */
  void round(float[] x, int first, int count) {
    if (form == ExecutionForm.Activations.UNQUANTIZED) {
      return;
    }
    if (scheme.isPresent()) {
      float[] numbers = new float[count];
      Quantizers.fake(scheme.get(), Optional.empty())
          .forward(new FakeQuantizer.Rows(x, first, 0, 1), numbers, 0);
      System.arraycopy(numbers, 0, x, first, count);
      return;
    }
    int step = form == ExecutionForm.Activations.FP8_GROUP ? GROUP : count;
    for (int begin = first; begin < first + count; begin += step) {
      int end = Math.min(first + count, begin + step);
      float scale = codes(x, begin, end);
      for (int i = begin; i < end; i++) {
        x[i] *= scale;
      }
    }
  }

  /** Makes codes of x[begin] to x[end - 1], in place. Returns their scale. */
  float codes(float[] x, int begin, int end) {
    float scale = scale(x, begin, end);
    if (areIntegers()) {
      for (int i = begin; i < end; i++) {
        float clamped = Math.max(INT8_LEAST, Math.min(INT8_MOST, x[i] / scale));
        x[i] = clamped + WHOLE - WHOLE;
      }
    } else {
      for (int i = begin; i < end; i++) {
        x[i] = e4m3(x[i] / scale);
      }
    }
    return scale;
  }

  private float scale(float[] x, int begin, int end) {
    if (stored != 0) {
      return stored;
    }
    float largest = 0;
    for (int i = begin; i < end; i++) {
      largest = Math.max(largest, Math.abs(x[i]));
    }
    float scale = largest / (areIntegers() ? INT8_RANGE : FP8_RANGE);
    return scale == 0 ? Math.ulp(1f) : scale;
  }

  private static float e4m3(float ratio) {
    float clamped = Math.max(-FP8_RANGE, Math.min(FP8_RANGE, ratio));
    int exponent = Math.max(Float.floatToRawIntBits(clamped) << 1 >>> 24, E4M3_SMALLEST_EXPONENT);
    float rounder = Float.intBitsToFloat(exponent + E4M3_STEP_EXPONENT << MANTISSA_BITS);
    return Math.copySign(Math.abs(clamped) + rounder - rounder, clamped);
  }
}
