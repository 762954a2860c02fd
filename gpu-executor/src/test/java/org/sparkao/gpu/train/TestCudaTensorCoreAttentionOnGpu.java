package org.sparkao.gpu.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.layer.HeadShape;
import org.sparkao.gpu.model.Arithmetic;
import org.sparkao.gpu.tensor.Tensor;
import org.sparkao.gpu.train.TrainingOperators.Attended;
import org.sparkao.gpu.train.TrainingOperators.AttendedHeads;
import org.sparkao.gpu.train.cpu.CpuTrainingOperators;
import org.sparkao.quant.format.WeightType;

/** Heads of sizes that tensor cores multiply, against the operators of the processor. */
@Tag("gpu")
class TestCudaTensorCoreAttentionOnGpu {
  /** Of the largest number: weights and results are rounded to 8 bits. */
  private static final double TOLERANCE = 0.015;

  private final Random random = new Random(2);
  private final TokenBatch batch =
      TokenBatch.of(List.of(new int[1], new int[130], new int[64], new int[299], new int[65]));

  @ParameterizedTest
  @ValueSource(ints = {64, 128})
  void asOnTheProcessor(int dimension) {
    HeadShape shape = new HeadShape(6, 2, dimension);
    float[] qkv = numbers(batch.tokens() * shape.rowElements());
    float[] dOut = numbers(batch.tokens() * shape.queryElements());
    float[][] expected = run(new CpuTrainingOperators(CpuDevice.open(), 2), shape, qkv, dOut);
    float[][] found = run(OpenCudaOperators.open(Arithmetic.BF16), shape, qkv, dOut);
    float[][] again = run(OpenCudaOperators.open(Arithmetic.BF16), shape, qkv, dOut);
    assertClose("values", found[0], expected[0], TOLERANCE);
    assertClose("log sums", found[1], expected[1], 1e-5);
    assertClose("gradients", found[2], expected[2], TOLERANCE);
    assertThat(again).isDeepEqualTo(found);
  }

  private float[] numbers(int count) {
    float[] all = new float[count];
    for (int i = 0; i < count; i++) {
      all[i] = WeightType.BF16.round((float) random.nextGaussian());
    }
    return all;
  }

  /** Values, log sums and the gradient; closes operators and device. */
  private float[][] run(TrainingOperators operators, HeadShape shape, float[] qkv, float[] dOut) {
    int tokens = batch.tokens();
    try (operators) {
      Tensor values = operators.allocateStates(tokens, shape.queryElements());
      Tensor sums = operators.allocate(tokens, shape.queryHeads());
      Tensor read = operators.allocateStates(tokens, shape.rowElements());
      Tensor given = operators.allocateStates(tokens, shape.queryElements());
      Tensor gradient = operators.allocateStates(tokens, shape.rowElements());
      read.write(qkv, 0);
      given.write(dOut, 0);
      AttendedHeads heads = new AttendedHeads(read, shape, batch);
      Attended out = new Attended(values, sums);
      operators.attend(heads, out);
      operators.attendGradient(heads, out, given, gradient);
      return new float[][] {values.toFloats(), sums.toFloats(), gradient.toFloats()};
    } finally {
      operators.device().close();
    }
  }

  private static void assertClose(String what, float[] found, float[] expected, double bound) {
    double largest = 0;
    for (float value : expected) {
      largest = Math.max(largest, Math.abs(value));
    }
    double[] errors = new double[found.length];
    for (int i = 0; i < found.length; i++) {
      errors[i] = Math.abs(found[i] - expected[i]) / largest;
    }
    // NaN is no number below the bound.
    assertThat(Arrays.stream(errors).allMatch(error -> error < bound))
        .as("%s: at most %s off", what, Arrays.stream(errors).max().orElseThrow())
        .isTrue();
  }
}
