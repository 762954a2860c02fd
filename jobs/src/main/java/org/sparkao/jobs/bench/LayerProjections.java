package org.sparkao.jobs.bench;

import java.util.ArrayList;
import java.util.List;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.gemm.DecodeGemm;
import org.sparkao.gpu.gemm.Gemm;
import org.sparkao.gpu.gemm.GemmWeights;
import org.sparkao.gpu.gemm.WeightMatrix;
import org.sparkao.gpu.layer.AttentionShape;
import org.sparkao.gpu.layer.AttentionWeights;
import org.sparkao.gpu.layer.LayerOperators;
import org.sparkao.gpu.quantize.ActivationQuantizer.NormWeight;
import org.sparkao.quant.format.NumberFormats;

/** Random weights of a layer, in copies. Closing frees them. */
final class LayerProjections implements AutoCloseable {
  private static final float EPSILON = 1e-5f;
  private static final double CODE_DEVIATION = 16;

  /** Attention averages over a context: as much as it makes numbers smaller, this makes larger. */
  private static final double OUTPUT_GAIN = 16;

  private static final int LEAST_COPIES = 4;
  private static final long SEED = 1;

  private final RandomBuffers buffers;
  private final WeightMatrix qkv;
  private final WeightMatrix output;
  private final NormWeight inputNorm;
  private final NormWeight nextNorm;
  private final List<AttentionWeights> copies = new ArrayList<>();

  /** In as many copies as no cache of a GPU holds. */
  static LayerProjections beyondCaches(LayerOperators operators, AttentionShape shape) {
    long bytes =
        (long) shape.qkv().n() * shape.qkv().k() + (long) shape.output().n() * shape.output().k();
    return new LayerProjections(operators, shape, DeviceClock.copies(LEAST_COPIES, bytes));
  }

  /** In so many copies. */
  LayerProjections(LayerOperators operators, AttentionShape shape, int count) {
    this.buffers = new RandomBuffers(operators.device(), SEED);
    try {
      this.qkv = matrix(shape.qkv(), 1);
      this.output = matrix(shape.output(), OUTPUT_GAIN);
      this.inputNorm = norm(shape);
      this.nextNorm = norm(shape);
      for (int i = 0; i < count; i++) {
        copies.add(prepare(operators.gemm(), shape));
      }
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  private NormWeight norm(AttentionShape shape) {
    return new NormWeight(buffers.normal(NumberFormats.BF16, 1, shape.hidden()), EPSILON);
  }

  /** Products of it with normal numbers have the deviation {@code gain}, about. */
  private WeightMatrix matrix(Gemm gemm, double gain) {
    double unit = gain / CODE_DEVIATION / Math.sqrt(gemm.k());
    Buffer codes = buffers.normal(NumberFormats.E4M3FN, CODE_DEVIATION, (long) gemm.n() * gemm.k());
    return WeightMatrix.of(codes, buffers.floats(gemm.n(), unit / 2, 3 * unit / 2));
  }

  private AttentionWeights prepare(DecodeGemm gemm, AttentionShape shape) {
    GemmWeights toQkv = gemm.prepare(shape.qkv(), qkv);
    try {
      return new AttentionWeights(inputNorm, toQkv, gemm.prepare(shape.output(), output), nextNorm);
    } catch (RuntimeException e) {
      toQkv.close();
      throw e;
    }
  }

  /** Copy i, counted over and over. */
  AttentionWeights copy(int i) {
    return copies.get(i % copies.size());
  }

  int copies() {
    return copies.size();
  }

  /** The same weights, prepared by other operators; the caller closes them. */
  AttentionWeights on(LayerOperators operators, AttentionShape shape) {
    RandomBuffers there = new RandomBuffers(operators.device(), SEED);
    return new AttentionWeights(
        new NormWeight(there.copyOf(inputNorm.values()), EPSILON),
        operators.gemm().prepare(shape.qkv(), on(there, qkv)),
        operators.gemm().prepare(shape.output(), on(there, output)),
        new NormWeight(there.copyOf(nextNorm.values()), EPSILON));
  }

  private static WeightMatrix on(RandomBuffers there, WeightMatrix matrix) {
    return WeightMatrix.of(
        there.copyOf(matrix.codes()), there.copyOf(matrix.scales().orElseThrow()));
  }

  @Override
  public void close() {
    try {
      copies.forEach(AttentionWeights::close);
    } finally {
      buffers.close();
    }
  }
}
