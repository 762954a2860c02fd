package org.sparkao.gpu.gemm;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Every kind of product, over shapes that no tile divides. */
final class GemmCases {
  /** N, K. */
  private static final int[][] SHAPES = {
    {16, 16}, {48, 80}, {112, 16}, {208, 272}, {496, 1008}, {272, 1040}, {528, 2064}
  };

  private static final List<ElementType> OUTPUTS =
      List.of(ElementType.BF16, ElementType.FP16, ElementType.FP32);

  private static final int GATED = 1 << Gemm.Step.SILU_GATE.ordinal();

  private GemmCases() {}

  /** Operands of one element a weight. */
  private static List<DenseOperands> dense() {
    List<DenseOperands> all = new ArrayList<>();
    all.add(DenseOperands.bf16());
    for (Scaling x : Scaling.values()) {
      for (Scaling w : Scaling.values()) {
        boolean blocks = x == Scaling.BLOCK || w == Scaling.BLOCK;
        if (blocks && x != w) {
          continue;
        }
        all.add(DenseOperands.fp8(x, w));
        all.add(new DenseOperands(ElementType.E5M2, ElementType.E4M3, x, w));
        if (!blocks) {
          all.add(DenseOperands.int8(x, w));
        }
      }
    }
    return all;
  }

  private static List<Int4Operands> int4() {
    List<Int4Operands> all = new ArrayList<>();
    for (int group : new int[] {Int4Operands.ROW, 32, 64, 128}) {
      for (Int4Operands.ZeroPoints zeroPoints : Int4Operands.ZeroPoints.values()) {
        all.add(new Int4Operands(ElementType.BF16, group, zeroPoints));
        all.add(new Int4Operands(ElementType.FP16, group, zeroPoints));
      }
      all.add(new Int4Operands(ElementType.E4M3, group, Int4Operands.ZeroPoints.NONE));
    }
    return all;
  }

  /** All operands of decode, three sets of steps each, over all shapes and outputs. */
  static Stream<Gemm> decode() {
    List<Gemm> all = new ArrayList<>();
    for (DenseOperands operands : dense()) {
      for (int i = 0; i < 3; i++) {
        all.add(withSteps(dense(operands, all.size()), all.size()));
      }
    }
    for (Int4Operands operands : int4()) {
      all.addAll(int4(operands, all.size()));
      all.add(gatedInt4(operands, all.size()));
    }
    return all.stream();
  }

  /** Gate, and with every other a residual. */
  private static Gemm gatedInt4(Int4Operands operands, int index) {
    ElementType output = index % 3 == 0 ? ElementType.BF16 : ElementType.FP32;
    Gemm gemm = Gemm.of("case" + index, 272, 384, operands, output).with(Gemm.Step.SILU_GATE);
    return index % 2 == 0 ? gemm.with(Gemm.Step.RESIDUAL) : gemm.with(Gemm.Step.BIAS);
  }

  /** All operands of prefill, with and without bias, gate and residual. */
  static Stream<Gemm> prefill() {
    List<Gemm> all = new ArrayList<>();
    for (DenseOperands operands : dense()) {
      if (operands.x() != ElementType.E5M2) {
        all.add(dense(operands, all.size()));
        all.add(dense(operands, all.size()).with(Gemm.Step.BIAS));
        if (!operands.blockScales()) {
          all.add(withSteps(dense(operands, all.size()), GATED | all.size() % 2));
        }
        all.add(dense(operands, all.size()).with(Gemm.Step.RESIDUAL));
        all.add(dense(operands, all.size()).with(Gemm.Step.RESIDUAL).with(Gemm.Step.BIAS));
      }
    }
    for (Int4Operands operands : int4()) {
      all.addAll(int4(operands, all.size()));
    }
    return all.stream();
  }

  /** The steps whose bits are set. */
  private static Gemm withSteps(Gemm gemm, int bits) {
    Gemm all = gemm;
    for (Gemm.Step step : Gemm.Step.values()) {
      all = (bits >> step.ordinal() & 1) == 1 ? all.with(step) : all;
    }
    DenseOperands operands = (DenseOperands) gemm.operands();
    boolean large = operands.scalingOfX() == Scaling.NONE || operands.scalingOfW() == Scaling.NONE;
    boolean overflows = all.has(Gemm.Step.SILU_GATE) && large && gemm.output() == ElementType.FP16;
    return overflows
        ? new Gemm(all.name(), all.n(), all.k(), all.operands(), ElementType.FP32, all.steps())
        : all;
  }

  private static Gemm dense(DenseOperands operands, int index) {
    int[] shape = SHAPES[index % SHAPES.length];
    ElementType output = OUTPUTS.get(index / SHAPES.length % OUTPUTS.size());
    return Gemm.of("case" + index, shape[0], shape[1], operands, output);
  }

  private static List<Gemm> int4(Int4Operands operands, int index) {
    int unit = operands.group() == Int4Operands.ROW ? 16 : operands.group();
    ElementType output = OUTPUTS.get(index % OUTPUTS.size());
    return List.of(
        Gemm.of("case" + index, 16, unit, operands, output),
        Gemm.of("case" + index, 272, 576 / unit * unit + unit, operands, ElementType.FP32)
            .with(Gemm.Step.BIAS),
        Gemm.of("case" + index, 400, 1152 + unit, operands, output));
  }
}
