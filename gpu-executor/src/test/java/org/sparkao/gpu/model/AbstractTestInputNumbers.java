package org.sparkao.gpu.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.model.ProjectionSpec.After;

/**
 * Rows that are rounded to the numbers of their codes before a product of dequantized weights: bit
 * by bit those of the plain operators. Weights are diagonal, so that a result is one exact product.
 */
abstract class AbstractTestInputNumbers {
  private static final int K = 384;
  private static final int ROWS = 37;

  /** Symmetric int4 stores 7 of it under a scale of 1, which no arithmetic rounds. */
  private static final float DIAGONAL = 7.5f;

  /** With what it needs; the caller closes it and its device. */
  abstract ModelOperators open(Arithmetic arithmetic);

  static Stream<List<String>> schemes() {
    Stream<List<String>> alone =
        Stream.of(
                "8DA4W",
                "8DA4W(group_size=64)",
                "MXFP4",
                "MXFP8",
                "W8A8(group_size=64)",
                "FP8_DYNAMIC(group_size=64)",
                "FP8_BLOCK(granularity=block, group_size=64)")
            .map(List::of);
    return Stream.concat(
        alone, Stream.of(List.of("8DA4W", "8DA4W", "W3A16(group_size=64)", "MXFP8")));
  }

  @ParameterizedTest
  @MethodSource("schemes")
  void rowsAreThoseOfThePlainOperators(List<String> schemes) {
    List<LinearWeight> weights =
        schemes.stream().map(scheme -> OperatorCase.quantized(scheme, diagonal())).toList();
    arithmetics().forEach(arithmetic -> compare(weights, arithmetic));
  }

  void compare(List<LinearWeight> weights, Arithmetic arithmetic) {
    compare(weights, arithmetic, 0);
  }

  /** {@code relative}: how far a result may be from that of the plain operators. */
  void compare(List<LinearWeight> weights, Arithmetic arithmetic, double relative) {
    ModelOperators operators = open(arithmetic);
    try (operators;
        ModelOperators reference =
            new ReferenceModelOperators(CpuDevice.open(), operators.arithmetic())) {
      compare(operators, reference, weights, relative);
    } finally {
      operators.device().close();
    }
  }

  /** Schemes whose codes are multiplied where numbers are bf16. */
  @ParameterizedTest
  @ValueSource(strings = {"W4A8", "FP8_DYNAMIC", "FP8_BLOCK", "W4AFP8"})
  void rowsAreThoseOfThePlainOperatorsInFp32(String scheme) {
    compare(List.of(OperatorCase.quantized(scheme, diagonal())), Arithmetic.FP32);
  }

  List<Arithmetic> arithmetics() {
    return List.of(Arithmetic.values());
  }

  private static void compare(
      ModelOperators operators,
      ModelOperators reference,
      List<LinearWeight> weights,
      double relative) {
    operators.reserve(ROWS, ROWS);
    ProjectionSpec spec = new ProjectionSpec("p", Optional.empty(), After.LOGITS);
    LinearWeight unrounded = OperatorCase.quantized("W3A16(group_size=64)", diagonal());
    List<LinearWeight> plain = Collections.nCopies(weights.size(), unrounded);
    int columns = weights.size() * K;
    float[] x = rows();
    try (Projection here = operators.project(spec, weights);
        Projection there = reference.project(spec, weights);
        Projection without = reference.project(spec, plain)) {
      float[] expected = run(reference, there, Operation.PREFILL, x, columns);
      assertThat(expected).isNotEqualTo(run(reference, without, Operation.PREFILL, x, columns));
      for (Operation operation : Operation.values()) {
        String how = operation + " by " + here.numerics();
        assertRows(how, run(operators, here, operation, x, columns), expected, relative);
        float[] alone =
            run(operators, here, operation, Arrays.copyOfRange(x, 3 * K, 4 * K), columns);
        float[] fourth = Arrays.copyOfRange(expected, 3 * columns, 4 * columns);
        assertRows(how, alone, fourth, relative);
      }
    }
  }

  private static void assertRows(String how, float[] found, float[] expected, double relative) {
    assertThat(found).hasSameSizeAs(expected);
    for (int i = 0; i < found.length; i++) {
      if (!(Math.abs(found[i] - expected[i]) <= relative * Math.abs(expected[i]))) {
        assertThat(found[i]).as(how + " [" + i + "]").isEqualTo(expected[i]);
      }
    }
  }

  static LinearWeight diagonal() {
    return diagonal(DIAGONAL);
  }

  static LinearWeight diagonal(float value) {
    float[] values = new float[K * K];
    for (int i = 0; i < K; i++) {
      values[i * K + i] = value;
    }
    StoredTensor stored = new OperatorCase(1).tensor("w.weight", values, K, K);
    return new LinearWeight("w", K, K, new LinearWeight.Plain(stored), Optional.empty());
  }

  /** One of zeros, one with an outlier, one on one side of zero. */
  private static float[] rows() {
    float[] x = new OperatorCase(2).numbers(ROWS * K, 1);
    Arrays.fill(x, 0, K, 0);
    x[K + 17] = 300;
    for (int i = 2 * K; i < 3 * K; i++) {
      x[i] = 2 + Math.abs(x[i]);
    }
    return x;
  }

  private static float[] run(
      ModelOperators operators,
      Projection projection,
      Operation operation,
      float[] x,
      int columns) {
    int rows = x.length / K;
    int[] poison = new int[rows * columns];
    Arrays.fill(poison, Float.floatToRawIntBits(Float.NaN));
    try (Buffer in = OperatorCase.put(operators, x);
        Buffer out = DeviceInts.allocate(operators.device(), poison.length)) {
      DeviceInts.write(out, poison);
      projection.run(operation, rows, in, out);
      return DeviceInts.readFloats(out, 0, poison.length);
    }
  }
}
