package org.sparkao.jobs.bench;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.device.Device;
import org.sparkao.gpu.gemm.DenseOperands;
import org.sparkao.gpu.gemm.ElementType;
import org.sparkao.gpu.gemm.Gemm;
import org.sparkao.gpu.gemm.GemmCall;
import org.sparkao.gpu.gemm.GemmWeights;
import org.sparkao.gpu.gemm.Scaling;
import org.sparkao.gpu.gemm.WeightMatrix;
import org.sparkao.quant.format.WeightType;

/**
 * Compares 16 columns of the last rows of a result with the reference: what is timed is right, or
 * the time means nothing.
 */
final class GemmSample {
  private static final int COLUMNS = 16;
  private static final int MOST_ROWS = 16;

  /**
   * ||error|| / ||result||: bf16 rounds to 2^-9, fp8 sums of the tensor core keep about 14 bits.
   */
  private static final double BOUND = 5e-3;

  private final GemmTrial trial;
  private final Gemm part;
  private final Device device;

  GemmSample(GemmTrial trial, Device device) {
    Gemm gemm = trial.gemm();
    this.trial = trial;
    this.part = Gemm.of(gemm.name(), COLUMNS, gemm.k(), gemm.operands(), gemm.output());
    this.device = device;
  }

  /** Refuses a result that is not the product, in the first, middle and last columns. */
  void check(WeightMatrix matrix, GemmCall call) {
    int n = trial.gemm().n();
    for (int first : new int[] {0, n / 2 / COLUMNS * COLUMNS, n - COLUMNS}) {
      check(matrix, call, first);
    }
  }

  private void check(WeightMatrix matrix, GemmCall call, int firstColumn) {
    int rows = Math.min(call.m(), MOST_ROWS);
    int firstRow = call.m() - rows;
    double difference = 0;
    double norm = 0;
    try (CpuDevice cpu = CpuDevice.open()) {
      byte[] expected = expected(cpu, matrix, firstColumn, rows(call, firstRow, rows));
      for (int row = 0; row < rows; row++) {
        byte[] actual = actual(call.y(), firstRow + row, firstColumn);
        for (int column = 0; column < COLUMNS; column++) {
          double right = number(expected, row * COLUMNS + column);
          double error = number(actual, column) - right;
          difference += error * error;
          norm += right * right;
        }
      }
    }
    if (!(Math.sqrt(difference / norm) <= BOUND)) {
      throw new IllegalStateException(
          trial.gemm().label()
              + ", M = "
              + call.m()
              + ": columns from "
              + firstColumn
              + " on differ from the reference by "
              + Math.sqrt(difference / norm)
              + ", and "
              + BOUND
              + " is allowed: nothing was timed");
    }
  }

  private GemmCall rows(GemmCall call, int firstRow, int rows) {
    Buffer x = call.x().slice(part.bytesOfX(1) * firstRow, part.bytesOfX(rows));
    Optional<Buffer> scales =
        call.scalesOfX()
            .map(
                all -> {
                  boolean one = part.operands().scalingOfX() == Scaling.TENSOR;
                  long first = one ? 0 : firstRow * part.scalesOfX(1);
                  return all.slice(Float.BYTES * first, Float.BYTES * part.scalesOfX(rows));
                });
    return new GemmCall(rows, x, scales, Optional.empty(), call.y());
  }

  /** Of the reference, on copies in the processor's memory. */
  private byte[] expected(CpuDevice cpu, WeightMatrix matrix, int firstColumn, GemmCall call) {
    GemmFamily.Multiplier reference = trial.family().reference();
    Buffer y = cpu.allocate(part.bytesOfY(call.m()));
    GemmCall copy =
        new GemmCall(
            call.m(),
            copy(cpu, call.x()),
            call.scalesOfX().map(scales -> copy(cpu, scales)),
            Optional.empty(),
            y);
    try (GemmWeights weights = reference.prepare(part, columns(cpu, matrix, firstColumn))) {
      Buffer workspace = cpu.allocate(reference.workspaceBytes(part, call.m()));
      reference.multiply(weights, copy, workspace);
    }
    byte[] values = new byte[Math.toIntExact(y.bytes())];
    cpu.read(y, 0, ByteBuffer.wrap(values));
    return values;
  }

  private WeightMatrix columns(CpuDevice cpu, WeightMatrix matrix, int first) {
    long codeBytes = matrix.codes().bytes() / trial.gemm().n();
    Buffer codes = copy(cpu, matrix.codes().slice(codeBytes * first, codeBytes * COLUMNS));
    Optional<Buffer> scales = matrix.scales().map(all -> copy(cpu, scales(all, first)));
    return new WeightMatrix(codes, scales, Optional.empty(), Optional.empty());
  }

  private Buffer scales(Buffer all, int first) {
    Scaling scaling =
        part.operands() instanceof DenseOperands dense ? dense.scalingOfW() : Scaling.ROW;
    int rows = trial.gemm().n();
    return switch (scaling) {
      case NONE, TENSOR -> all;
      case ROW -> all.slice(all.bytes() / rows * first, all.bytes() / rows * COLUMNS);
      case BLOCK -> {
        long each = all.bytes() / ((rows + 127) / 128);
        yield all.slice(each * (first / 128), each);
      }
    };
  }

  private byte[] actual(Buffer y, int row, int firstColumn) {
    byte[] values = new byte[Math.toIntExact(part.bytesOfY(1))];
    long at = (long) row * trial.gemm().columns() + firstColumn;
    device.read(y, at * part.output().bytes(), ByteBuffer.wrap(values));
    return values;
  }

  private double number(byte[] bytes, int index) {
    WeightType type = part.output() == ElementType.FP16 ? WeightType.F16 : WeightType.BF16;
    return type.read(bytes, type.bytes() * index);
  }

  private Buffer copy(CpuDevice cpu, Buffer from) {
    ByteBuffer bytes =
        ByteBuffer.allocate(Math.toIntExact(from.bytes())).order(ByteOrder.LITTLE_ENDIAN);
    device.read(from, 0, bytes);
    Buffer to = cpu.allocate(from.bytes());
    cpu.write(to, 0, bytes);
    return to;
  }
}
