package org.sparkao.gpu.model.cuda;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.gemm.DenseOperands;
import org.sparkao.gpu.gemm.ElementType;
import org.sparkao.gpu.gemm.WeightMatrix;
import org.sparkao.gpu.model.LinearWeight;
import org.sparkao.gpu.model.StoredTensor;
import org.sparkao.gpu.quantize.CudaWeightDequantizer;
import org.sparkao.quant.safetensors.DType;

/**
 * Puts members of a stack on the device as one matrix, rows and columns behind them zero: what a
 * product's {@code prepare} reads. Closing it frees that.
 */
final class StackLoader implements AutoCloseable {
  private final CudaParts parts;
  private final Stack stack;
  private final List<Buffer> taken = new ArrayList<>();

  StackLoader(CudaParts parts, Stack stack) {
    this.parts = parts;
    this.stack = stack;
  }

  /**
   * A matrix of some members.
   *
   * @param rows at least those of the members
   */
  WeightMatrix matrix(List<LinearWeight> members, int rows) {
    WeightMatrix matrix =
        switch (stack.form().source()) {
          case PLAIN, DEQUANTIZED -> WeightMatrix.of(codes(members, rows));
          case CODES -> WeightMatrix.of(codes(members, rows), scales(members, rows));
          case INT4 -> int4(members, rows);
        };
    return stack.biased() && !stack.form().scalesBehind()
        ? matrix.withBias(bias(members, rows))
        : matrix;
  }

  private Buffer codes(List<LinearWeight> members, int rows) {
    ElementType type = ((DenseOperands) stack.form().operands()).w();
    long rowBytes = (long) stack.paddedK() * type.bytes();
    Buffer all = take(rows * rowBytes);
    zeroUnlessFilled(all, members, rows);
    long at = 0;
    for (LinearWeight member : members) {
      Buffer to = all.slice(at, member.n() * rowBytes);
      if (member.form() instanceof LinearWeight.Plain plain) {
        write(to, HostNumbers.bf16(plain.values()), (long) stack.k() * type.bytes(), rowBytes);
      } else if (stack.form().source() == LinearForm.Source.CODES) {
        write(to, HostNumbers.stored(quantized(member).parts().get(0)), stack.k(), rowBytes);
      } else {
        dequantize(quantized(member), to, rowBytes);
      }
      at += stack.rowsOf(member) * rowBytes;
    }
    return all;
  }

  private void zeroUnlessFilled(Buffer all, List<LinearWeight> members, int rows) {
    int filled = members.stream().mapToInt(LinearWeight::n).sum();
    if (filled < rows || stack.k() < stack.paddedK()) {
      parts.device().stream().fill(all, (byte) 0);
    }
  }

  /** Rows of some bytes to rows of more. */
  private void write(Buffer to, ByteBuffer from, long fromBytes, long toBytes) {
    if (fromBytes == toBytes) {
      parts.device().write(to, 0, from);
      return;
    }
    int rows = Math.toIntExact(from.remaining() / fromBytes);
    ByteBuffer wide = HostNumbers.allocate(rows * toBytes);
    for (int row = 0; row < rows; row++) {
      int begin = from.position() + Math.toIntExact(row * fromBytes);
      wide.put(Math.toIntExact(row * toBytes), from, begin, Math.toIntExact(fromBytes));
    }
    parts.device().write(to, 0, wide);
  }

  private void dequantize(LinearWeight.Quantized weight, Buffer to, long rowBytes) {
    DType type = weight.request().weight().dtype();
    List<Buffer> stored = new ArrayList<>();
    for (StoredTensor part : weight.parts()) {
      stored.add(upload(HostNumbers.stored(part)));
    }
    CudaWeightDequantizer dequantizer = new CudaWeightDequantizer(parts.library());
    if (type == DType.BF16 && stack.k() == stack.paddedK()) {
      dequantizer.dequantize(weight.request(), stored, to);
      return;
    }
    long elements = weight.request().weight().rows() * weight.request().weight().columns();
    Buffer wide = take(type.bytes(elements));
    dequantizer.dequantize(weight.request(), stored, wide);
    ByteBuffer host = HostNumbers.allocate(wide.bytes());
    parts.device().read(wide, 0, host);
    ByteBuffer rounded = type == DType.BF16 ? host : HostNumbers.bf16(host, type);
    write(to, rounded, (long) Short.BYTES * stack.k(), rowBytes);
  }

  /** fp32, one a row, or one a block. */
  private Buffer scales(List<LinearWeight> members, int rows) {
    int count = stack.form().blocks() ? blocks(rows) * blocks(stack.paddedK()) : rows;
    ByteBuffer all = HostNumbers.allocate((long) Float.BYTES * count);
    for (LinearWeight member : members) {
      ByteBuffer given = HostNumbers.floats(quantized(member).parts().get(1));
      int places = stack.form().blocks() ? given.remaining() / Float.BYTES : stack.rowsOf(member);
      boolean one = given.remaining() == Float.BYTES;
      for (int i = 0; i < places; i++) {
        boolean padding = !one && Float.BYTES * i >= given.remaining();
        all.putFloat(padding ? 0 : given.getFloat(one ? 0 : Float.BYTES * i));
      }
    }
    return upload(all.rewind());
  }

  private static int blocks(int length) {
    return (length + 127) / 128;
  }

  private WeightMatrix int4(List<LinearWeight> members, int rows) {
    Int4Rows int4 = new Int4Rows(stack, members, rows);
    Buffer codes = upload(int4.codes());
    WeightMatrix matrix = WeightMatrix.of(codes, upload(int4.scales()));
    return stack.form().zeroPoints() ? matrix.withZeroPoints(upload(int4.zeroPoints())) : matrix;
  }

  /** fp32 [rows]; 0 for members without. */
  private Buffer bias(List<LinearWeight> members, int rows) {
    return upload(biasOf(members, rows));
  }

  /** The bias of a product whose sums are scaled behind it; the caller closes it. */
  Optional<Buffer> biasBehind(int rows) {
    return stack.biased() && stack.form().scalesBehind()
        ? Optional.of(parts.upload(biasOf(stack.members(), rows)))
        : Optional.empty();
  }

  private ByteBuffer biasOf(List<LinearWeight> members, int rows) {
    ByteBuffer all = HostNumbers.allocate((long) Float.BYTES * rows);
    int at = 0;
    for (LinearWeight member : members) {
      if (member.bias().isPresent()) {
        all.put(
            Float.BYTES * at, HostNumbers.floats(member.bias().get()), 0, Float.BYTES * member.n());
      }
      at += stack.rowsOf(member);
    }
    return all;
  }

  private Buffer upload(ByteBuffer bytes) {
    Buffer buffer = parts.upload(bytes);
    taken.add(buffer);
    return buffer;
  }

  private Buffer take(long bytes) {
    Buffer buffer = parts.device().allocate(bytes);
    taken.add(buffer);
    return buffer;
  }

  static LinearWeight.Quantized quantized(LinearWeight member) {
    return (LinearWeight.Quantized) member.form();
  }

  @Override
  public void close() {
    taken.forEach(Buffer::close);
  }
}
