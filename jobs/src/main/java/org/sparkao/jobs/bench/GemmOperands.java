package org.sparkao.jobs.bench;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.Device;
import org.sparkao.gpu.gemm.DenseOperands;
import org.sparkao.gpu.gemm.ElementType;
import org.sparkao.gpu.gemm.Gemm;
import org.sparkao.gpu.gemm.GemmCall;
import org.sparkao.gpu.gemm.Int4Operands;
import org.sparkao.gpu.gemm.WeightMatrix;
import org.sparkao.quant.format.NumberFormat;
import org.sparkao.quant.format.NumberFormats;
import org.sparkao.quant.format.Overflow;
import org.sparkao.quant.format.TwosComplement;

/** Random operands of a product on a device. Closing frees them. */
final class GemmOperands implements AutoCloseable {
  /** Elements that are written over and over. */
  private static final int PATTERN_ELEMENTS = 1 << 20;

  /** bf16 and fp16 numbers from 1/128 on, with random places behind. */
  private static final int BF16_SCALE = 0x3C00;

  private static final int FP16_SCALE = 0x2000;
  private static final long SEED = 1;

  private final Device device;
  private final Gemm gemm;
  private final Random random = new Random(SEED);
  private final List<Buffer> taken = new ArrayList<>();
  private final Buffer x;
  private final Optional<Buffer> scalesOfX;
  private final List<Buffer> y = new ArrayList<>();
  private final WeightMatrix weight;

  /**
   * Makes them.
   *
   * @param m most rows of X
   */
  GemmOperands(Device device, Gemm gemm, int m) {
    this.device = device;
    this.gemm = gemm;
    try {
      this.x = normal(gemm.operands().x(), (long) m * gemm.k());
      this.scalesOfX = factors(gemm.scalesOfX(m));
      this.y.add(take(gemm.bytesOfY(m)));
      this.y.add(take(gemm.bytesOfY(m)));
      this.weight = weight();
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  private WeightMatrix weight() {
    long elements = (long) gemm.n() * gemm.k();
    if (gemm.operands() instanceof Int4Operands int4) {
      int groups = int4.group() == Int4Operands.ROW ? 1 : gemm.k() / int4.group();
      boolean fp16 = int4.x() == ElementType.FP16;
      return WeightMatrix.of(nibbles(elements / 2), int4Scales(gemm.n() * groups, fp16));
    }
    DenseOperands dense = (DenseOperands) gemm.operands();
    long scales =
        switch (dense.scalingOfW()) {
          case NONE -> 0;
          case TENSOR -> 1;
          case ROW -> gemm.n();
          case BLOCK -> (gemm.n() + 127L) / 128 * ((gemm.k() + 127) / 128);
        };
    Buffer codes = normal(dense.w(), elements);
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
    if (count == 0) {
      return Optional.empty();
    }
    ByteBuffer bytes = allocate(Math.toIntExact(Float.BYTES * count));
    while (bytes.hasRemaining()) {
      bytes.putFloat(0.01f + 0.01f * random.nextFloat());
    }
    return Optional.of(copy(bytes.flip()));
  }

  private Buffer int4Scales(int count, boolean fp16) {
    ByteBuffer bytes = allocate(Short.BYTES * count);
    while (bytes.hasRemaining()) {
      int places = random.nextInt(fp16 ? 0x400 : 0x80);
      bytes.putShort((short) ((fp16 ? FP16_SCALE : BF16_SCALE) | places));
    }
    return copy(bytes.flip());
  }

  /** Normal numbers: how fast a GPU multiplies depends on what it multiplies, by its power. */
  private Buffer normal(NumberFormat format, double deviation, long count) {
    int elements = (int) Math.min(PATTERN_ELEMENTS, count);
    ByteBuffer pattern = allocate(elements * format.bits() / Byte.SIZE);
    while (pattern.hasRemaining()) {
      int code = format.encode((float) (deviation * random.nextGaussian()), Overflow.SATURATE);
      if (format.bits() == Byte.SIZE) {
        pattern.put((byte) code);
      } else {
        pattern.putShort((short) code);
      }
    }
    return repeated(pattern.array(), count * format.bits() / Byte.SIZE);
  }

  private Buffer normal(ElementType type, long count) {
    return switch (type) {
      case E4M3 -> normal(NumberFormats.E4M3FN, 16, count);
      case E5M2 -> normal(NumberFormats.E5M2, 16, count);
      case INT8 -> normal(new TwosComplement(Byte.SIZE), 40, count);
      case FP16 -> normal(NumberFormats.FP16, 1, count);
      default -> normal(NumberFormats.BF16, 1, count);
    };
  }

  private Buffer nibbles(long bytes) {
    byte[] pattern = new byte[(int) Math.min(PATTERN_ELEMENTS, bytes)];
    random.nextBytes(pattern);
    return repeated(pattern, bytes);
  }

  private Buffer repeated(byte[] pattern, long count) {
    Buffer buffer = take(count);
    for (long at = 0; at < count; at += pattern.length) {
      int bytes = (int) Math.min(pattern.length, count - at);
      device.write(buffer, at, ByteBuffer.wrap(pattern, 0, bytes));
    }
    return buffer;
  }

  private Buffer copy(ByteBuffer bytes) {
    Buffer buffer = take(bytes.remaining());
    device.write(buffer, 0, bytes);
    return buffer;
  }

  private Buffer take(long bytes) {
    Buffer buffer = device.allocate(bytes);
    taken.add(buffer);
    return buffer;
  }

  private static ByteBuffer allocate(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public void close() {
    taken.forEach(Buffer::close);
  }
}
