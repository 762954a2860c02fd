package org.sparkao.gpu.gemm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparkao.gpu.device.Buffer;

/** Grouped products on any device, against plain loops over doubles. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class AbstractTestGroupedGemm {
  private static final int[] COUNTS = {5, 0, 130, 1, 0, 17};

  private GemmDevice device;
  private GroupedGemm grouped;

  abstract GemmDevice open();

  abstract GroupedGemm grouped(GemmDevice on);

  @BeforeAll
  void begin() {
    device = open();
    grouped = grouped(device);
  }

  @AfterAll
  void end() {
    device.close();
  }

  static Stream<Gemm> products() {
    List<Gemm> all = new ArrayList<>();
    for (DenseOperands operands :
        List.of(
            DenseOperands.fp8(Scaling.ROW, Scaling.ROW),
            DenseOperands.fp8(Scaling.BLOCK, Scaling.BLOCK),
            DenseOperands.bf16())) {
      all.add(Gemm.of("up", 16, 16, operands, ElementType.FP32));
      all.add(Gemm.of("up", 208, 272, operands, ElementType.FP16).with(Gemm.Step.BIAS));
      all.add(Gemm.of("up", 144, 592, operands, ElementType.BF16));
    }
    return all.stream();
  }

  @ParameterizedTest
  @MethodSource("products")
  void multipliesEachExpertsTokens(Gemm gemm) {
    List<GemmData> experts = new ArrayList<>();
    for (int count : COUNTS) {
      experts.add(new GemmData(gemm, count, experts.size()));
    }
    try (GemmWeights weights = prepare(gemm, experts)) {
      byte[] all = multiply(weights, experts, Integer.MAX_VALUE);
      int at = 0;
      for (GemmData expert : experts) {
        int bytes = (int) gemm.bytesOfY(expert.rows);
        byte[] own = Arrays.copyOfRange(all, at, at + bytes);
        if (expert.rows > 0) {
          GemmTolerance.assertWithin(
              GemmTolerance.decode(gemm),
              GemmData.decode(gemm.output(), own),
              expert.product(false));
        }
        at += bytes;
      }
      assertThat(multiply(weights, experts, Integer.MAX_VALUE)).as("again").isEqualTo(all);
      for (int most : new int[] {1, 16, 129}) {
        assertThat(multiply(weights, experts, most))
            .as("%d tokens of an expert", most)
            .isEqualTo(firstRows(gemm, experts, all, most));
      }
    }
  }

  @Test
  void refusesWhatKernelsLack() {
    Gemm int8 =
        Gemm.of("w", 16, 16, DenseOperands.int8(Scaling.ROW, Scaling.ROW), ElementType.BF16);
    assertThatThrownBy(() -> grouped.prepare(int8, List.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "w [16, 16] int8 x int8, scales ROW x ROW: the grouped kernels have no INT8"
                + " activations; use E4M3 with scales of rows or blocks, or BF16, and steps of"
                + " their own");
    Gemm bf16 = Gemm.of("w", 16, 16, DenseOperands.bf16(), ElementType.BF16);
    assertThatThrownBy(() -> grouped.prepare(bf16.with(Gemm.Step.RESIDUAL), List.of()))
        .hasMessageContaining("no gate or residual");
    Gemm tensor =
        Gemm.of("w", 16, 16, DenseOperands.fp8(Scaling.ROW, Scaling.TENSOR), ElementType.BF16);
    assertThatThrownBy(() -> grouped.prepare(tensor, List.of()))
        .hasMessageContaining("no scales ROW x TENSOR");
    assertThatThrownBy(() -> grouped.prepare(bf16, List.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("w: no experts; give one matrix of weights for each, or leave the product out");
    WeightMatrix matrix = WeightMatrix.of(device.bytes(new byte[512]));
    try (GemmWeights weights = grouped.prepare(bf16, List.of(matrix, matrix))) {
      Buffer buffer = device.bytes(new byte[1024]);
      GroupedCall call = new GroupedCall(1, buffer.slice(0, 8), buffer, Optional.empty(), buffer);
      assertThatThrownBy(() -> grouped.multiply(weights, call))
          .hasMessageContaining("offsets needs 12 bytes, and the buffer has 8 bytes");
    }
  }

  private GemmWeights prepare(Gemm gemm, List<GemmData> experts) {
    List<WeightMatrix> matrices = new ArrayList<>();
    for (GemmData expert : experts) {
      GemmData.MatrixData matrix = expert.matrices.get(0);
      matrices.add(
          new WeightMatrix(
              device.bytes(matrix.codes().bytes()),
              matrix.storedScales().map(device::bytes),
              Optional.empty(),
              matrix.bias().map(device::floats)));
    }
    return grouped.prepare(gemm, matrices);
  }

  /** Y of the first tokens of each expert, no more than {@code most}. */
  private byte[] multiply(GemmWeights weights, List<GemmData> experts, int most) {
    Gemm gemm = weights.gemm();
    ByteArrayOutputStream x = new ByteArrayOutputStream();
    List<Float> scales = new ArrayList<>();
    int[] offsets = new int[experts.size() + 1];
    for (int e = 0; e < experts.size(); e++) {
      GemmData expert = experts.get(e);
      int count = Math.min(expert.rows, most);
      offsets[e + 1] = offsets[e] + count;
      x.write(expert.x.bytes(), 0, (int) gemm.bytesOfX(count));
      for (int i = 0; i < gemm.scalesOfX(count); i++) {
        scales.add(expert.scalesOfX.orElseThrow()[i]);
      }
    }
    float[] scaleArray = new float[scales.size()];
    for (int i = 0; i < scaleArray.length; i++) {
      scaleArray[i] = scales.get(i);
    }
    int tokens = offsets[experts.size()];
    try (GemmDevice.Guarded y = device.guarded(gemm.bytesOfY(tokens))) {
      grouped.multiply(
          weights,
          new GroupedCall(
              tokens,
              device.bytes(GemmData.bytes(offsets)),
              device.bytes(x.toByteArray()),
              scaleArray.length == 0 ? Optional.empty() : Optional.of(device.floats(scaleArray)),
              y.buffer()));
      return y.read();
    }
  }

  private static byte[] firstRows(Gemm gemm, List<GemmData> experts, byte[] all, int most) {
    ByteArrayOutputStream some = new ByteArrayOutputStream();
    int at = 0;
    for (GemmData expert : experts) {
      some.write(all, at, (int) gemm.bytesOfY(Math.min(expert.rows, most)));
      at += (int) gemm.bytesOfY(expert.rows);
    }
    return some.toByteArray();
  }
}
