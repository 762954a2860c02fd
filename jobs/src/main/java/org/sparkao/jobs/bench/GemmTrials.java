package org.sparkao.jobs.bench;

import java.util.ArrayList;
import java.util.List;
import org.sparkao.gpu.gemm.DecodeGemm;
import org.sparkao.gpu.gemm.ElementType;
import org.sparkao.gpu.gemm.Gemm;
import org.sparkao.gpu.gemm.Operands;
import org.sparkao.jobs.config.Config;
import org.sparkao.quant.QuantException;

/** Reads from a configuration what {@code bench gemm} times; nothing here needs a GPU. */
final class GemmTrials {
  private GemmTrials() {}

  /**
   * Every type with every shape.
   *
   * @throws QuantException for what no kernel multiplies
   */
  static List<GemmTrial> of(Config config) {
    GemmFamily family = config.value(BenchKeys.FAMILY);
    List<Integer> given = config.all(BenchKeys.M);
    List<Integer> rows = given.isEmpty() ? family.rows() : given;
    for (int m : rows) {
      if (family == GemmFamily.DECODE && m > DecodeGemm.MOST_ROWS) {
        throw new QuantException(
            "--m " + m + ": decode takes 1 to " + DecodeGemm.MOST_ROWS + "; use --family prefill");
      }
    }
    List<GemmType> types = config.all(BenchKeys.TYPE);
    List<GemmShape> shapes = config.all(BenchKeys.SHAPE);
    List<GemmTrial> trials = new ArrayList<>();
    for (GemmType type : types.isEmpty() ? List.of(GemmType.E4M3) : types) {
      for (GemmShape shape : shapes.isEmpty() ? GemmShape.LLAMA : shapes) {
        trials.add(new GemmTrial(family, gemm(config, type, shape), rows));
      }
    }
    return trials;
  }

  private static Gemm gemm(Config config, GemmType type, GemmShape shape) {
    try {
      Operands operands =
          type.operands(config.value(BenchKeys.SCALES), config.value(BenchKeys.GROUP));
      ElementType output = type == GemmType.INT4_FP16 ? ElementType.FP16 : ElementType.BF16;
      Gemm gemm = Gemm.of(shape.toString(), shape.n(), shape.k(), operands, output);
      config.value(BenchKeys.FAMILY).check(gemm);
      return gemm;
    } catch (IllegalArgumentException e) {
      throw new QuantException("--type " + type.configName() + ": " + e.getMessage(), e);
    }
  }
}
