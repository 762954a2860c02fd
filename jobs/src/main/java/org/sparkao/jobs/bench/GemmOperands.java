package org.sparkao.jobs.bench;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.Device;
import org.sparkao.gpu.gemm.DenseOperands;
import org.sparkao.gpu.gemm.ElementType;
import org.sparkao.gpu.gemm.Gemm;
import org.sparkao.gpu.gemm.GemmCall;
import org.sparkao.gpu.gemm.Int4Operands;
import org.sparkao.gpu.gemm.WeightMatrix;
import org.sparkao.quant.format.NumberFormats;
import org.sparkao.quant.format.TwosComplement;

/** Random operands of a product on a device. Closing frees them. */
final class GemmOperands implements AutoCloseable {
  /** bf16 and fp16 numbers from 1/128 on, with random places behind. */
  private static final int BF16_SCALE = 0x3C00;

  private static final int FP16_SCALE = 0x2000;
  private static final long SEED = 1;

  private final RandomBuffers buffers;
  private final Gemm gemm;
  private final Buffer x;
  private final Optional<Buffer> scalesOfX;
  private final List<Buffer> y = new ArrayList<>();
  private final WeightMatrix weight;

  /** Makes them, for the most rows of X. */
  GemmOperands(Device device, GemmTrial trial) {
    this.buffers = new RandomBuffers(device, SEED);
    this.gemm = trial.gemm();
    int m = trial.mostRows();
    try {
      this.x = normal(gemm.operands().x(), (long) m * gemm.k());
      this.scalesOfX = factors(gemm.scalesOfX(m));
      this.y.add(buffers.take(gemm.bytesOfY(m)));
      this.y.add(buffers.take(gemm.bytesOfY(m)));
      this.weight = weight(trial.family().sparse());
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  private WeightMatrix weight(boolean sparse) {
    long elements = (long) gemm.n() * gemm.k();
    if (gemm.operands() instanceof Int4Operands int4) {
      int groups = int4.group() == Int4Operands.ROW ? 1 : gemm.k() / int4.group();
      boolean fp16 = int4.x() == ElementType.FP16;
      return WeightMatrix.of(buffers.codes(elements / 2), int4Scales(gemm.n() * groups, fp16));
    }
    DenseOperands dense = (DenseOperands) gemm.operands();
    long scales =
        switch (dense.scalingOfW()) {
          case NONE -> 0;
          case TENSOR -> 1;
          case ROW -> gemm.n();
          case BLOCK -> (gemm.n() + 127L) / 128 * ((gemm.k() + 127) / 128);
        };
    Buffer codes = sparse ? sparse(dense.w(), elements) : normal(dense.w(), elements);
    return new WeightMatrix(codes, factors(scales), Optional.empty(), Optional.empty());
  }

  /** The weight as a checkpoint has it. */
  WeightMatrix matrix() {
    return weight;
  }

  /** The first m rows; results go to one of two buffers by turns. */
  GemmCall call(int m, int turn) {
    Buffer to = y.get(turn % y.size());
    return new GemmCall(m, x, scalesOfX, Optional.empty(), to);
  }

  /** The weight's codes, scales, X and Y, each once. */
  long bytes(int m) {
    return weight.codes().bytes()
        + weight.scales().map(Buffer::bytes).orElse(0L)
        + gemm.bytesOfX(m)
        + gemm.bytesOfY(m);
  }

  private Optional<Buffer> factors(long count) {
    return count == 0 ? Optional.empty() : Optional.of(buffers.floats(count, 0.01, 0.02));
  }

  private Buffer int4Scales(int count, boolean fp16) {
    ByteBuffer bytes = RandomBuffers.bytes(Short.BYTES * count);
    while (bytes.hasRemaining()) {
      int places = buffers.random().nextInt(fp16 ? 0x400 : 0x80);
      bytes.putShort((short) ((fp16 ? FP16_SCALE : BF16_SCALE) | places));
    }
    return buffers.copy(bytes.flip());
  }

  private Buffer sparse(ElementType type, long count) {
    return type == ElementType.E4M3
        ? buffers.sparse(NumberFormats.E4M3FN, 16, count)
        : buffers.sparse(NumberFormats.BF16, 1, count);
  }

  private Buffer normal(ElementType type, long count) {
    return switch (type) {
      case E4M3 -> buffers.normal(NumberFormats.E4M3FN, 16, count);
      case E5M2 -> buffers.normal(NumberFormats.E5M2, 16, count);
      case INT8 -> buffers.normal(new TwosComplement(Byte.SIZE), 40, count);
      case FP16 -> buffers.normal(NumberFormats.FP16, 1, count);
      default -> buffers.normal(NumberFormats.BF16, 1, count);
    };
  }

  @Override
  public void close() {
    buffers.close();
  }
}
