package org.sparkao.quant.benchmark;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import java.util.Optional;
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
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.Quantizers;
import org.sparkao.quant.algorithm.TensorQuantizer;
import org.sparkao.quant.algorithm.WeightAlgorithm;
import org.sparkao.quant.algorithm.WeightSpec;
import org.sparkao.quant.pack.PackedPart;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.Schemes;

/**
 * What the job does with a weight between reading and writing: codes, statistics, and SHA-256 of
 * what goes in and comes out. One bf16 weight [1024, 4096] in slices of 128 rows; the score, in
 * operations per microsecond, is MB of source per second. {@code hash} is what the two hashes cost
 * alone, {@code quantize} what the rest costs.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
public class QuantizeBenchmark {
  private static final int ROWS = 1024;
  private static final int COLUMNS = 4096;
  private static final int SLICE_ROWS = 128;
  private static final int SOURCE_BYTES = ROWS * COLUMNS * Short.BYTES;

  /** Preset that the weight is quantized with. */
  @Param({"FP8_DYNAMIC", "FP8_BLOCK", "W8A8", "W4A16"})
  public String scheme;

  private final byte[] source = new byte[SOURCE_BYTES];
  private QuantizeRequest request;
  private List<PackedPart> parts;
  private byte[][] out;
  private MessageDigest sourceHash;
  private MessageDigest outputHash;

  /** Normal weights of deviation 0.02, as in a trained linear layer. */
  @Setup
  public void fill() throws NoSuchAlgorithmException {
    Random random = new Random(1);
    for (int i = 0; i < SOURCE_BYTES; i += Short.BYTES) {
      int bits = Float.floatToRawIntBits((float) (random.nextGaussian() * 0.02));
      source[i] = (byte) (bits >> 16);
      source[i + 1] = (byte) (bits >> 24);
    }
    request =
        new QuantizeRequest(
            Schemes.parse(scheme),
            CheckpointLayout.COMPRESSED_TENSORS,
            Numerics.COMPRESSED_TENSORS,
            WeightAlgorithm.RTN,
            new WeightSpec(ROWS, COLUMNS, DType.BF16));
    parts = Quantizers.parts(request);
    out = new byte[parts.size()][];
    for (int i = 0; i < out.length; i++) {
      out[i] = new byte[Math.toIntExact(parts.get(i).offset(ROWS))];
    }
    sourceHash = MessageDigest.getInstance("SHA-256");
    outputHash = MessageDigest.getInstance("SHA-256");
  }

  /** One weight, quantized and hashed: the loop of the job. */
  @Benchmark
  @OperationsPerInvocation(SOURCE_BYTES)
  public Object quantizeAndHash() {
    TensorQuantizer quantizer = Quantizers.create(request, Optional.empty());
    for (int row = 0; row < ROWS; row += SLICE_ROWS) {
      quantizer.quantize(source, offset(row), row, SLICE_ROWS, out);
      hashSlice(row);
    }
    return quantizer.statistics();
  }

  /** Codes and statistics alone. */
  @Benchmark
  @OperationsPerInvocation(SOURCE_BYTES)
  public Object quantize() {
    TensorQuantizer quantizer = Quantizers.create(request, Optional.empty());
    for (int row = 0; row < ROWS; row += SLICE_ROWS) {
      quantizer.quantize(source, offset(row), row, SLICE_ROWS, out);
    }
    return quantizer.statistics();
  }

  /** SHA-256 of as many bytes as go in and come out. */
  @Benchmark
  @OperationsPerInvocation(SOURCE_BYTES)
  public Object hash() {
    for (int row = 0; row < ROWS; row += SLICE_ROWS) {
      hashSlice(row);
    }
    return out;
  }

  private void hashSlice(int row) {
    sourceHash.update(source, offset(row), offset(SLICE_ROWS));
    for (int i = 0; i < out.length; i++) {
      PackedPart part = parts.get(i);
      outputHash.update(
          out[i], 0, Math.toIntExact(part.offset(row + SLICE_ROWS) - part.offset(row)));
    }
  }

  private static int offset(int row) {
    return row * COLUMNS * Short.BYTES;
  }
}
