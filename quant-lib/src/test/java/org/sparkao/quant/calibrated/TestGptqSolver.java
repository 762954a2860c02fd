package org.sparkao.quant.calibrated;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.Quantizers;
import org.sparkao.quant.algorithm.RangeChoice;
import org.sparkao.quant.algorithm.WeightAlgorithm;
import org.sparkao.quant.algorithm.WeightGrid;
import org.sparkao.quant.algorithm.WeightSpec;
import org.sparkao.quant.calibrated.CpuGptq.Factor;
import org.sparkao.quant.calibrated.Gptq.GptqQuantizer;
import org.sparkao.quant.dense.InverseFactor;
import org.sparkao.quant.format.Overflow;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.pack.PackedPart;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.Schemes;

/**
 * A solver that knows what a device is told, row by row in plain loops: algorithm 1 of the paper.
 */
class TestGptqSolver {
  private static final int N = 160;
  private static final int K = 256;

  /** One row after the other, one column after the other. */
  private record PlainSolver(WeightGrid grid, Factor factor, int[] groups) implements GptqSolver {
    @Override
    public void solve(byte[] source, int offset, int rows, Rows out) {
      int pitch = rows + 3;
      int count = grid.groups() * pitch;
      WeightGrid.Scales scales =
          new WeightGrid.Scales(new float[count], new float[count], new float[count]);
      grid.scales(0, rows, pitch, scales);
      assertThat(scales.operand()[rows]).isEqualTo(1);
      for (int row = 0; row < rows; row++) {
        solveRow(source, offset + row * K * grid.type().bytes(), row, pitch, scales, out);
      }
    }

    private void solveRow(
        byte[] source, int from, int row, int pitch, WeightGrid.Scales scales, Rows out) {
      int[] order = factor.columns().order();
      WeightGrid.Codes codes = grid.codes();
      float[] weights = new float[K];
      float[] steps = new float[K];
      for (int place = 0; place < K; place++) {
        boolean zero = factor.columns().dead()[order[place]] || grid.broken(row);
        weights[place] =
            zero ? 0 : grid.type().read(source, from + order[place] * grid.type().bytes());
      }
      float loss = 0;
      for (int place = 0; place < K; place++) {
        int at = groups[order[place]] * pitch + row;
        float zeroPoint = scales.zeroPoint()[at];
        float position = weights[place] / scales.operand()[at] + zeroPoint;
        grid.addClipped(position < codes.clippedBelow() || position > codes.clippedAbove() ? 1 : 0);
        float clamped = Math.max(codes.smallest(), Math.min(codes.largest(), position));
        int code = codes.format().encode(clamped, Overflow.SATURATE);
        float step = Math.copySign(codes.format().decode(code), position);
        steps[order[place]] = step;
        float value = grid.type().round((step - zeroPoint) * scales.dequantize()[at]);
        InverseFactor u = factor.factor().orElseThrow();
        float error = (value - weights[place]) / u.at(place, place);
        loss += error * error;
        for (int next = place + 1; next < K; next++) {
          weights[next] = Math.fma(u.at(place, next), error, weights[next]);
        }
      }
      out.take(row, steps, 0.5 * loss);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "W4A16(group_size=64) | STATIC",
        "W4A16_ASYM(group_size=32) | GROUP",
        "W8A8 | NONE",
        "FP8_DYNAMIC | STATIC",
        "FP8_BLOCK | STATIC",
        "NVFP4A16 | NONE",
      })
  void equalsTheProcessor(String scheme, ActOrder order) {
    byte[] weights = weights();
    CpuGptq gptq = new CpuGptq();
    Factor factor = (Factor) gptq.prepare(moments(), new GptqOptions(order, 0.01));
    QuantizeRequest request =
        new QuantizeRequest(
            Schemes.parse(scheme),
            CheckpointLayout.COMPRESSED_TENSORS,
            Numerics.COMPRESSED_TENSORS,
            WeightAlgorithm.RTN,
            new WeightSpec(N, K, DType.BF16));
    RangeChoice ranges =
        RangeChoice.of(Optional.of(Quantizers.range(weights, 0, N * K, DType.BF16)));
    GptqQuantizer processor = gptq.quantizer(request, ranges, factor);
    GptqQuantizer plain =
        factor
            .columns()
            .quantizer(request, ranges, (grid, groups) -> new PlainSolver(grid, factor, groups));
    List<byte[]> expected = run(processor, weights);
    List<byte[]> actual = run(plain, weights);
    assertThat(actual).hasSameSizeAs(expected);
    for (int i = 0; i < expected.size(); i++) {
      assertThat(actual.get(i)).as("part %d", i).isEqualTo(expected.get(i));
    }
    assertThat(plain.statistics()).isEqualTo(processor.statistics());
    assertThat(plain.loss()).isEqualTo(processor.loss()).isPositive();
    assertThat(plain.rowsRoundedToNearest())
        .isEqualTo(processor.rowsRoundedToNearest())
        .isPositive();
  }

  private static List<byte[]> run(GptqQuantizer quantizer, byte[] weights) {
    List<byte[]> out = new ArrayList<>();
    for (PackedPart part : quantizer.parts()) {
      out.add(new byte[(int) part.bytes()]);
    }
    quantizer.quantize(weights, 0, 0, N, out.toArray(byte[][]::new));
    return out;
  }

  /** Normal numbers, a large one, and one that is none. */
  private static byte[] weights() {
    Random random = new Random(11);
    byte[] weights = new byte[2 * N * K];
    for (int i = 0; i < N * K; i++) {
      float value = i == 500 ? Float.NaN : (float) (0.02 * random.nextGaussian());
      WeightType.BF16.write(WeightType.BF16.round(value), weights, 2 * i);
    }
    return weights;
  }

  /** Neighbouring inputs go together; one was always zero. */
  private static SecondMoments moments() {
    return new SecondMoments(
        K,
        (i, j) ->
            i == 9 || j == 9 ? 0 : (float) (Math.pow(0.9, j - i) * (1 + i % 5) * (1 + j % 5)));
  }
}
