package org.sparkao.quant.benchmark;

import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.RangeChoice;
import org.sparkao.quant.algorithm.TensorQuantizer;
import org.sparkao.quant.algorithm.WeightAlgorithm;
import org.sparkao.quant.algorithm.WeightSpec;
import org.sparkao.quant.calibrated.ActOrder;
import org.sparkao.quant.calibrated.CpuGptq;
import org.sparkao.quant.calibrated.Gptq.Prepared;
import org.sparkao.quant.calibrated.GptqOptions;
import org.sparkao.quant.calibrated.SecondMoments;
import org.sparkao.quant.dense.GramProduct;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.Schemes;

/**
 * The three parts of GPTQ on one thread, in milliseconds: X^T X of 512 tokens (512 K^2 flops, half
 * of the products being mirrored), the factor (2 K^3 / 3), and 512 rows of a bf16 weight in W4A16
 * with a scale a row (512 K^2 flops and the rounding).
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(1)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
public class GptqBenchmark {
  private static final int ROWS = 512;

  /** K. */
  @Param({"576", "1536", "4096"})
  public int columns;

  private float[] x;
  private float[] sum;
  private byte[] weights;
  private GramProduct gram;
  private final CpuGptq gptq = new CpuGptq();
  private Prepared prepared;
  private QuantizeRequest request;
  private byte[][] out;

  /** Normal inputs and weights. */
  @Setup
  public void fill() {
    Random random = new Random(1);
    x = new float[ROWS * columns];
    weights = new byte[ROWS * columns * Short.BYTES];
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) random.nextGaussian();
      float weight = WeightType.BF16.round((float) (0.02 * random.nextGaussian()));
      WeightType.BF16.write(weight, weights, 2 * i);
    }
    sum = new float[columns * columns];
    gram = new GramProduct(columns);
    gram.add(x, 0, ROWS, sum, GramProduct.Pieces.IN_ORDER);
    prepared = (Prepared) factor();
    request =
        new QuantizeRequest(
            Schemes.parse("W4A16(granularity=row)"),
            CheckpointLayout.COMPRESSED_TENSORS,
            Numerics.COMPRESSED_TENSORS,
            WeightAlgorithm.RTN,
            new WeightSpec(ROWS, columns, DType.BF16));
    TensorQuantizer quantizer = quantizer();
    out = new byte[quantizer.parts().size()][];
    for (int i = 0; i < out.length; i++) {
      out[i] = new byte[Math.toIntExact(quantizer.parts().get(i).bytes())];
    }
  }

  private TensorQuantizer quantizer() {
    return gptq.quantizer(request, RangeChoice.of(Optional.empty()), prepared);
  }

  /** X^T X. */
  @Benchmark
  public float[] products() {
    gram.add(x, 0, ROWS, sum, GramProduct.Pieces.IN_ORDER);
    return sum;
  }

  /** The factor of the inverse. */
  @Benchmark
  public Object factor() {
    return gptq.prepare(SecondMoments.of(sum, columns), new GptqOptions(ActOrder.STATIC, 0.01));
  }

  /** Codes of 512 rows. */
  @Benchmark
  public Object rows() {
    TensorQuantizer quantizer = quantizer();
    quantizer.quantize(weights, 0, 0, ROWS, out);
    return quantizer.statistics();
  }
}
