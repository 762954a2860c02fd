package org.sparkao.gpu.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.model.ProjectionSpec.After;
import org.sparkao.gpu.model.cpu.CpuModelOperators;

class TestCpuModelOperators extends AbstractTestModelOperators {
  private static final int N = 70;
  private static final int K = 1100;
  private static final int ROWS = 331;

  @Override
  ModelOperators open() {
    return new CpuModelOperators(CpuDevice.open(), 2);
  }

  @Override
  double tolerance() {
    return 1e-5;
  }

  @Override
  int step() {
    return 3 * 2;
  }

  /** More rows than a piece of work has, and K in several parts. */
  @ParameterizedTest
  @ValueSource(strings = {"", "W8A8", "FP8_DYNAMIC"})
  void rowsAndThreadsDoNotChangeBits(String scheme) {
    OperatorCase data = new OperatorCase(3);
    LinearWeight plain = data.weight("w", N, K, true);
    LinearWeight weight = scheme.isEmpty() ? plain : OperatorCase.quantized(scheme, plain);
    ProjectionSpec spec = new ProjectionSpec("w", Optional.of(data.norm(K)), After.NOTHING);
    float[] x = data.numbers(ROWS * K, 1);
    float[] all = run(1, spec, weight, x, ROWS);
    assertThat(run(2, spec, weight, x, ROWS)).isEqualTo(all);
    for (int row : new int[] {0, 1, 239, 330}) {
      float[] one = new float[K];
      System.arraycopy(x, row * K, one, 0, K);
      float[] expected = new float[N];
      System.arraycopy(all, row * N, expected, 0, N);
      assertThat(run(1, spec, weight, one, 1)).as("row " + row).isEqualTo(expected);
    }
  }

  private static float[] run(
      int threads, ProjectionSpec spec, LinearWeight weight, float[] x, int rows) {
    try (CpuDevice device = CpuDevice.open();
        ModelOperators operators = new CpuModelOperators(device, threads);
        Projection projection = operators.project(spec, List.of(weight));
        Buffer in = OperatorCase.put(operators, x);
        Buffer out = device.allocate((long) Float.BYTES * rows * N)) {
      projection.run(Operation.PREFILL, rows, in, out);
      return OperatorCase.get(operators, out, rows * N);
    }
  }

  /** Gate is quantized and up is not: two products, then SwiGLU. */
  @Test
  void weightsThatAreNotComputedAlikeAreComputedApart() {
    OperatorCase data = new OperatorCase(4);
    LinearWeight gate = OperatorCase.quantized("W8A8", data.weight("gate", 64, 128, false));
    LinearWeight up = data.weight("up", 64, 128, false);
    ProjectionSpec spec = new ProjectionSpec("mlp", Optional.empty(), After.SWIGLU);
    float[] x = data.numbers(5 * 128, 1);
    float[][] found = new float[2][];
    try (CpuDevice device = CpuDevice.open()) {
      ModelOperators[] both = {
        new CpuModelOperators(device, 2), new ReferenceModelOperators(device, Arithmetic.FP32)
      };
      for (int i = 0; i < 2; i++) {
        try (Projection projection = both[i].project(spec, List.of(gate, up));
            Buffer in = OperatorCase.put(both[i], x);
            Buffer out = device.allocate(Float.BYTES * 5 * 64)) {
          projection.run(Operation.PREFILL, 5, in, out);
          found[i] = OperatorCase.get(both[i], out, 5 * 64);
        }
        both[i].close();
      }
      assertThat(device.budget().inUse()).isZero();
    }
    for (int i = 0; i < found[0].length; i++) {
      assertThat(Math.abs(found[0][i] - found[1][i])).isLessThan(1e-5f);
    }
  }
}
