package org.sparkao.quant.benchmark;

import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.gguf.GgufType;
import org.sparkao.quant.gguf.NumberRows;
import org.sparkao.quant.gguf.RowDecoder;
import org.sparkao.quant.gguf.RowEncoder;

/**
 * Rows of a bf16 weight [64, 4096] as blocks, and back: the score, in operations per microsecond,
 * is MB of bf16 per second. {@code export} is the loop of the job between reading and writing.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 3, time = 1)
public class GgufBenchmark {
  private static final int COUNT = 64 * 4096;

  /** Type of the blocks. */
  @Param({"Q8_0", "Q4_0", "Q4_K", "Q6_K"})
  public GgufType type;

  private final byte[] source = new byte[2 * COUNT];
  private final float[] values = new float[COUNT];
  private RowEncoder encoder;
  private RowDecoder decoder;
  private byte[] out;

  /** Normal weights of deviation 0.02, as in a trained linear layer. */
  @Setup
  public void fill() {
    Random random = new Random(1);
    for (int i = 0; i < COUNT; i++) {
      values[i] = (float) (random.nextGaussian() * 0.02);
    }
    GgufType.BF16.encoder().encode(values, COUNT, source);
    encoder = type.encoder();
    decoder = type.decoder();
    out = new byte[Math.toIntExact(type.bytes(COUNT))];
    encoder.encode(values, COUNT, out);
  }

  /** From bf16 to blocks. */
  @Benchmark
  @OperationsPerInvocation(2 * COUNT)
  public Object export() {
    NumberRows.read(WeightType.BF16, source, 0, values, 0, COUNT);
    encoder.encode(values, COUNT, out);
    return out;
  }

  /** From fp32 to blocks. */
  @Benchmark
  @OperationsPerInvocation(2 * COUNT)
  public Object encode() {
    encoder.encode(values, COUNT, out);
    return out;
  }

  /** From blocks to fp32. */
  @Benchmark
  @OperationsPerInvocation(2 * COUNT)
  public Object decode() {
    decoder.decode(out, 0, values, COUNT);
    return values;
  }
}
