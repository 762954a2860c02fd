package org.sparkao.gpu.gemm;

import java.nio.ByteBuffer;
import java.util.Optional;
import org.sparkao.gpu.GpuErrors;
import org.sparkao.gpu.device.CpuDevice;

/** One product in plain loops, sums and steps in double: what the kernels are compared with. */
final class ReferenceProduct {
  private final Gemm gemm;
  private final ReferenceWeights weights;
  private final GemmCall call;
  private final double[][] x;
  private final Optional<ByteBuffer> scalesOfX;
  private final Optional<ByteBuffer> residual;
  private final ByteBuffer y;

  private ReferenceProduct(ReferenceWeights weights, GemmCall call) {
    this.gemm = weights.gemm();
    this.weights = weights;
    this.call = call;
    this.x = rows();
    this.scalesOfX = call.scalesOfX().map(CpuDevice::bytes);
    this.residual = call.residual().map(CpuDevice::bytes);
    this.y = CpuDevice.bytes(call.y());
  }

  /** Multiplies what the reference has prepared. */
  static void multiply(GemmWeights weights, GemmCall call, String family) {
    if (!(weights instanceof ReferenceWeights prepared)) {
      throw new IllegalArgumentException(
          GpuErrors.gemmLayout(weights.gemm().label(), "a GPU", family));
    }
    GemmChecks.call(weights.gemm(), call);
    ReferenceProduct product = new ReferenceProduct(prepared, call);
    for (int column = 0; column < product.gemm.columns(); column++) {
      product.column(column);
    }
  }

  private double[][] rows() {
    ByteBuffer bytes = CpuDevice.bytes(call.x());
    double[][] rows = new double[call.m()][gemm.k()];
    for (int row = 0; row < rows.length; row++) {
      for (int i = 0; i < gemm.k(); i++) {
        rows[row][i] = GemmNumbers.read(bytes, gemm.operands().x(), (long) row * gemm.k() + i);
      }
    }
    return rows;
  }

  private void column(int column) {
    double[] value = sums(weights.matrices().get(0), column);
    if (gemm.has(Gemm.Step.SILU_GATE)) {
      double[] up = sums(weights.matrices().get(1), column);
      for (int row = 0; row < value.length; row++) {
        value[row] = value[row] / (1 + Math.exp(-value[row])) * up[row];
      }
    }
    for (int row = 0; row < value.length; row++) {
      long at = (long) row * gemm.columns() + column;
      float added = residual.map(r -> GemmNumbers.read(r, gemm.output(), at)).orElse(0f);
      GemmNumbers.write(y, gemm.output(), at, value[row] + added);
    }
  }

  /** Of all rows of X with a row of W, times scales, plus bias. */
  private double[] sums(ReferenceMatrix matrix, int row) {
    double[] w = matrix.row(row);
    double[] sums = new double[call.m()];
    for (int m = 0; m < sums.length; m++) {
      for (int block = 0; block < Gemm.blocks(gemm.k()); block++) {
        sums[m] += part(x[m], w, block) * scaleOfX(m, block) * matrix.scale(row, block);
      }
      sums[m] += matrix.bias(row);
    }
    return sums;
  }

  private static double part(double[] x, double[] w, int block) {
    int begin = block * Scaling.BLOCK_LENGTH;
    int end = Math.min(w.length, begin + Scaling.BLOCK_LENGTH);
    double sum = 0;
    for (int i = begin; i < end; i++) {
      sum += x[i] * w[i];
    }
    return sum;
  }

  private double scaleOfX(int row, int block) {
    return switch (gemm.operands().scalingOfX()) {
      case NONE -> 1;
      case TENSOR -> scaleOfX(0L);
      case ROW -> scaleOfX((long) row);
      case BLOCK -> scaleOfX((long) row * Gemm.blocks(gemm.k()) + block);
    };
  }

  private double scaleOfX(long index) {
    return GemmNumbers.read(scalesOfX.orElseThrow(), ElementType.FP32, index);
  }
}
