package org.sparkao.gpu.model.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparkao.gpu.OutOfDeviceMemoryException;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.Device;
import org.sparkao.gpu.model.Arithmetic;
import org.sparkao.gpu.model.ModelOperators;
import org.sparkao.gpu.model.Operation;
import org.sparkao.gpu.model.Projection;
import org.sparkao.gpu.model.ProjectionSpec;
import org.sparkao.gpu.model.ProjectionSpec.After;

/**
 * Projections of every scheme against sums in double over the dequantized weights. The error is
 * that of what is rounded on the way: rows to codes, results to bf16.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class AbstractTestProjection {
  private static final float EPSILON = 1e-5f;
  private static final int ROWS = 133;

  private ModelOperators operators;

  abstract ModelOperators open();

  abstract void closed();

  /** What codes of rows of a scheme cost at most: the relative error of a product, by its norm. */
  abstract double tolerance(String scheme);

  record Case(String scheme, After after, int[] n, int k, boolean biased) {
    @Override
    public String toString() {
      return scheme + " " + after + " " + Arrays.toString(n) + "x" + k + (biased ? " bias" : "");
    }
  }

  static Stream<Case> cases() {
    List<String> schemes =
        List.of(
            "plain",
            "FP8_DYNAMIC",
            "FP8",
            "FP8_BLOCK",
            "W8A8",
            "W8A16",
            "W4A16",
            "W4A16_ASYM",
            "W4A16(group_size=32)",
            "W4A16(group_size=-1)",
            "W4A8",
            "W4AFP8",
            "8DA4W",
            "NVFP4A16",
            "MXFP4A16",
            "W3A16");
    return schemes.stream().flatMap(AbstractTestProjection::cases);
  }

  private static Stream<Case> cases(String scheme) {
    return Stream.of(
        new Case(scheme, After.NOTHING, new int[] {192, 64, 64}, 256, true),
        new Case(scheme, After.RESIDUAL, new int[] {160}, 384, false),
        new Case(scheme, After.SWIGLU, new int[] {384, 384}, 256, false),
        new Case(scheme, After.LOGITS, new int[] {264}, 128, false));
  }

  /** Lengths that are no multiples of what kernels want. */
  static Stream<Case> oddCases() {
    return Stream.of(
        new Case("plain", After.SWIGLU, new int[] {172, 172}, 64, false),
        new Case("plain", After.RESIDUAL, new int[] {64}, 172, false),
        new Case("FP8_DYNAMIC", After.SWIGLU, new int[] {172, 172}, 64, true),
        new Case("FP8_DYNAMIC", After.RESIDUAL, new int[] {64}, 172, false),
        new Case("W8A8", After.RESIDUAL, new int[] {64}, 172, true),
        new Case("FP8_BLOCK", After.NOTHING, new int[] {200, 72, 72}, 640, false),
        new Case("FP8_BLOCK", After.SWIGLU, new int[] {200, 200}, 640, false),
        new Case("W4A16(group_size=192)", After.NOTHING, new int[] {576, 192, 192}, 576, false),
        new Case("W4A16_ASYM(group_size=32)", After.NOTHING, new int[] {100, 52}, 64, true),
        new Case("W4A8(group_size=32)", After.SWIGLU, new int[] {172, 172}, 64, true),
        new Case("W4A16(group_size=32)", After.LOGITS, new int[] {101}, 64, false));
  }

  @BeforeAll
  void begin() {
    operators = open();
    operators.reserve(ROWS, 64);
  }

  @AfterAll
  void end() {
    operators.close();
    closed();
  }

  @ParameterizedTest
  @MethodSource({"cases", "oddCases"})
  void multipliesAsDoublesDo(Case given) {
    ProjectionCase[] parts = parts(given);
    float[] norm = norm(given);
    boolean normed = given.after != After.RESIDUAL;
    float[] x = ProjectionCase.floats(ProjectionCase.normal(new Random(5), ROWS * given.k, 1));
    double[] expected = expected(given, parts, x, normed ? norm : null);
    try (Projection projection = project(given)) {
      for (Operation operation : operations()) {
        float[] all = run(projection, operation, given, x, 0, ROWS);
        assertThat(error(all, expected))
            .as("%s by %s", operation, projection.numerics())
            .isLessThan(tolerance(given.scheme));
        int columns = all.length / ROWS;
        for (int rows : new int[] {1, 17, 129}) {
          float[] some = run(projection, operation, given, x, 3, rows);
          assertThat(some)
              .as("%s: %d rows", operation, rows)
              .isEqualTo(Arrays.copyOfRange(all, 3 * columns, (3 + rows) * columns));
        }
      }
    }
  }

  private static ProjectionCase[] parts(Case given) {
    return IntStream.range(0, given.n.length)
        .mapToObj(i -> ProjectionCase.of(given.scheme, given.n[i], given.k, given.biased, 7 + i))
        .toArray(ProjectionCase[]::new);
  }

  private static float[] norm(Case given) {
    return ProjectionCase.floats(ProjectionCase.normal(new Random(3), given.k, 1));
  }

  private Projection project(Case given) {
    ProjectionSpec.Norm norm =
        new ProjectionSpec.Norm(
            ProjectionCase.bf16("norm", List.of((long) given.k), ProjectionCase.bytes(norm(given))),
            EPSILON);
    ProjectionSpec spec =
        new ProjectionSpec(
            given.toString(),
            given.after == After.RESIDUAL ? Optional.empty() : Optional.of(norm),
            given.after);
    return operators.project(
        spec, Arrays.stream(parts(given)).map(ProjectionCase::weight).toList());
  }

  /** With so little memory left that it ends somewhere on the way, twice as much each time. */
  @ParameterizedTest
  @MethodSource("cases")
  void whatCannotBeLoadedLeavesNothing(Case given) {
    Device device = operators.device();
    project(given).close();
    long before = device.budget().inUse();
    boolean loaded = false;
    for (long left = 256; !loaded; left *= 2) {
      Buffer filler = device.allocate(device.budget().free() - left);
      try {
        project(given).close();
        loaded = true;
      } catch (OutOfDeviceMemoryException e) {
        assertThat(left).isLessThan(1L << 28);
      } finally {
        filler.close();
      }
      assertThat(device.budget().inUse()).as("%d bytes left", left).isEqualTo(before);
    }
  }

  Operation[] operations() {
    return Operation.values();
  }

  private double[] expected(Case given, ProjectionCase[] parts, float[] x, float[] norm) {
    int n = Arrays.stream(given.n).sum();
    int columns = given.after == After.SWIGLU ? n / 2 : n;
    double[] all = new double[ROWS * columns];
    for (int row = 0; row < ROWS; row++) {
      double[] from = normed(x, row, given.k, norm);
      double[] y = new double[n];
      int at = 0;
      for (ProjectionCase part : parts) {
        double[] some = part.product(from);
        System.arraycopy(some, 0, y, at, some.length);
        at += some.length;
      }
      for (int i = 0; i < columns; i++) {
        double value =
            given.after == After.SWIGLU ? y[i] / (1 + Math.exp(-y[i])) * y[columns + i] : y[i];
        all[row * columns + i] = value + (given.after == After.RESIDUAL ? residual(row) : 0);
      }
    }
    return all;
  }

  private static double[] normed(float[] x, int row, int k, float[] norm) {
    double[] from = new double[k];
    double squares = 0;
    for (int i = 0; i < k; i++) {
      from[i] = x[row * k + i];
      squares += from[i] * from[i];
    }
    for (int i = 0; i < k && norm != null; i++) {
      from[i] *= norm[i] / Math.sqrt(squares / k + EPSILON);
    }
    return from;
  }

  private static float residual(int row) {
    return row % 3 - 1;
  }

  private float[] run(
      Projection projection, Operation operation, Case given, float[] x, int first, int rows) {
    int n = Arrays.stream(given.n).sum();
    int columns = given.after == After.SWIGLU ? n / 2 : n;
    boolean fp32 = operators.arithmetic() == Arithmetic.FP32;
    float[] before = new float[rows * columns];
    for (int i = 0; i < before.length; i++) {
      before[i] = residual(first + i / columns);
    }
    boolean wide = fp32 || given.after == After.LOGITS;
    float[] some = Arrays.copyOfRange(x, first * given.k, (first + rows) * given.k);
    try (Buffer from = upload(some, fp32);
        Buffer to = upload(before, wide)) {
      projection.run(operation, rows, from, to);
      byte[] bytes = new byte[Math.toIntExact(to.bytes())];
      operators.device().read(to, 0, ByteBuffer.wrap(bytes));
      return wide ? ProjectionCase.fp32(bytes) : ProjectionCase.floats(bytes);
    }
  }

  private Buffer upload(float[] values, boolean fp32) {
    ByteBuffer bytes =
        fp32
            ? HostNumbers.allocate(4L * values.length)
            : ByteBuffer.wrap(ProjectionCase.bytes(values));
    if (fp32) {
      bytes.asFloatBuffer().put(values);
    }
    Buffer buffer = operators.device().allocate(bytes.remaining());
    operators.device().write(buffer, 0, bytes);
    return buffer;
  }

  private static double error(float[] actual, double[] expected) {
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < expected.length; i++) {
      difference += Math.pow(actual[i] - expected[i], 2);
      norm += expected[i] * expected[i];
    }
    return Math.sqrt(difference / norm);
  }
}
