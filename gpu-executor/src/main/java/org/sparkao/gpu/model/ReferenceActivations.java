package org.sparkao.gpu.model;

import java.nio.ByteBuffer;
import java.util.Optional;
import org.sparkao.gpu.fake.InputScheme;
import org.sparkao.quant.algorithm.FakeQuantizer;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.Quantizers;
import org.sparkao.quant.format.NumberFormats;
import org.sparkao.quant.format.Overflow;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.QuantArgs;

/**
 * Activations as the numbers that their codes stand for. Arithmetic of compressed-tensors, as
 * {@link org.sparkao.gpu.quantize.ActivationQuantizer}: a scale is amax / 448 or amax / 127.5
 * rounded to the type of the activations, its epsilon where all are zero; x / scale is rounded to
 * that type, then to the code. Where no product takes the codes, all of that is in fp32, as in
 * training, and the numbers are rounded to the type of the activations at last.
 */
final class ReferenceActivations {
  private static final int GROUP = 128;
  private static final float FP8_RANGE = 448;
  private static final float INT8_RANGE = 127.5f;
  private static final int INT8_LEAST = -128;
  private static final int INT8_MOST = 127;

  private final ExecutionForm.Activations form;
  private final float stored;

  /** Of scales and quotients. */
  private final WeightType type;

  /** What numbers are rounded to at last; F32 where they are not. */
  private final WeightType result;

  private final Optional<LinearWeight.Quantized> weight;

  private ReferenceActivations(
      ExecutionForm.Activations form,
      float stored,
      WeightType type,
      WeightType result,
      Optional<LinearWeight.Quantized> weight) {
    this.form = form;
    this.stored = stored;
    this.type = type;
    this.result = result;
    this.weight = weight;
  }

  /** As they are. */
  static ReferenceActivations unquantized() {
    return new ReferenceActivations(
        ExecutionForm.Activations.UNQUANTIZED, 0, WeightType.F32, WeightType.F32, Optional.empty());
  }

  /** Of one weight. */
  static ReferenceActivations of(
      ExecutionForm.Activations form, LinearWeight.Quantized weight, Arithmetic arithmetic) {
    float stored =
        form == ExecutionForm.Activations.FP8_STATIC
                || form == ExecutionForm.Activations.INT8_STATIC
            ? scalar(weight.inputScales().get(0))
            : 0;
    WeightType type = arithmetic == Arithmetic.FP32 ? WeightType.F32 : WeightType.BF16;
    return ExecutionForm.of(weight.request().scheme()).quantized()
        ? new ReferenceActivations(form, stored, type, WeightType.F32, Optional.of(weight))
        : new ReferenceActivations(form, stored, WeightType.F32, type, Optional.of(weight));
  }

  private static float scalar(StoredTensor tensor) {
    ByteBuffer stored = tensor.bytes().get();
    byte[] bytes = new byte[stored.remaining()];
    stored.get(bytes);
    return WeightType.valueOf(tensor.dtype().name()).read(bytes, 0);
  }

  /** The numbers of the codes of a row; the row itself where it is not quantized. */
  float[] quantized(float[] row) {
    float[] numbers = row.clone();
    switch (form) {
      case UNQUANTIZED -> {
        return row;
      }
      case FP8_ROW, INT8_ROW -> round(numbers, 0, row.length, scale(row, 0, row.length));
      case FP8_STATIC, INT8_STATIC -> round(numbers, 0, row.length, stored);
      case FP8_GROUP -> {
        for (int first = 0; first < row.length; first += GROUP) {
          int end = Math.min(first + GROUP, row.length);
          round(numbers, first, end, scale(row, first, end));
        }
      }
      case SCHEME -> scheme(row).forward(new FakeQuantizer.Rows(row, 0, 0, 1), numbers, 0);
    }
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = result.round(numbers[i]);
    }
    return numbers;
  }

  private FakeQuantizer scheme(float[] row) {
    QuantizeRequest request = weight.orElseThrow().request();
    QuantArgs args = request.scheme().activations().orElseThrow();
    return Quantizers.fake(
        InputScheme.request(args, request.numerics(), DType.F32, 1, row.length), Optional.empty());
  }

  private boolean integers() {
    return form == ExecutionForm.Activations.INT8_ROW
        || form == ExecutionForm.Activations.INT8_STATIC;
  }

  private float scale(float[] row, int begin, int end) {
    float largest = 0;
    for (int i = begin; i < end; i++) {
      largest = Math.max(largest, Math.abs(row[i]));
    }
    float scale = type.round(largest / (integers() ? INT8_RANGE : FP8_RANGE));
    return scale == 0 ? type.epsilon() : scale;
  }

  private void round(float[] row, int begin, int end, float scale) {
    for (int i = begin; i < end; i++) {
      float ratio = type.round(row[i] / scale);
      float code =
          integers()
              ? (float) Math.rint(Math.max(INT8_LEAST, Math.min(INT8_MOST, ratio)))
              : NumberFormats.E4M3FN.decode(NumberFormats.E4M3FN.encode(ratio, Overflow.SATURATE));
      row[i] = code * scale;
    }
  }
}
