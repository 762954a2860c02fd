package org.sparkao.gpu.model.cuda;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.Taken;
import org.sparkao.gpu.fake.CudaInputNumbers;
import org.sparkao.gpu.gemm.Fp32Gemm;
import org.sparkao.gpu.model.LinearWeight;
import org.sparkao.gpu.model.Operation;
import org.sparkao.gpu.model.Projection;
import org.sparkao.gpu.model.ProjectionSpec;
import org.sparkao.gpu.model.ProjectionSpec.After;
import org.sparkao.gpu.model.cuda.Fp32Kernels.Fp32Norm;
import org.sparkao.gpu.model.cuda.Scratch.Slot;
import org.sparkao.gpu.quantize.CudaWeightDequantizer;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.safetensors.DType;

/**
 * A projection in fp32: every weight is fp32 on the device, quantized ones dequantized, their
 * inputs rounded to the numbers of their codes.
 */
final class Fp32Projection implements Projection {
  private final Fp32Parts parts;
  private final After after;
  private final Optional<Fp32Norm> norm;
  private final Matrix matrix;
  private final List<Piece> pieces;

  /**
   * Rows of the weight that meet the same numbers.
   *
   * @param numbers what becomes of x; empty where it stays as it is
   */
  private record Piece(int row, int n, Optional<CudaInputNumbers> numbers) {}

  /**
   * A weight [n, k] fp32 on the device.
   *
   * @param owned whether this projection closes it
   */
  private record Matrix(
      Buffer values, Optional<Buffer> bias, int n, int k, boolean owned, String numerics) {}

  private Fp32Projection(
      Fp32Parts parts,
      ProjectionSpec spec,
      Optional<Fp32Norm> norm,
      Matrix matrix,
      List<Piece> pieces) {
    this.parts = parts;
    this.after = spec.after();
    this.norm = norm;
    this.matrix = matrix;
    this.pieces = pieces;
    if (norm.isPresent()) {
      parts.scratch().need(Slot.NORMED, (long) Float.BYTES * matrix.k);
    }
    if (after == After.RESIDUAL || after == After.SWIGLU) {
      parts.scratch().need(Slot.WIDE, (long) Float.BYTES * matrix.n);
    }
    if (pieces.stream().anyMatch(piece -> piece.numbers.isPresent())) {
      parts.scratch().need(Slot.NUMBERS, (long) Float.BYTES * matrix.k);
    }
    if (pieces.size() > 1) {
      parts.scratch().need(Slot.PRODUCT, (long) Float.BYTES * matrix.n);
    }
  }

  static Fp32Projection load(Fp32Parts parts, ProjectionSpec spec, List<LinearWeight> weights) {
    int k = weights.get(0).k();
    for (LinearWeight weight : weights) {
      if (weight.k() != k) {
        throw new IllegalArgumentException(CudaModelErrors.rows(spec.name(), k, weight.k()));
      }
    }
    boolean gate = spec.after() == After.SWIGLU;
    if (gate && (weights.size() != 2 || weights.get(0).n() != weights.get(1).n())) {
      throw new IllegalArgumentException(CudaModelErrors.gate(spec.name(), weights));
    }
    int n = weights.stream().mapToInt(LinearWeight::n).sum();
    try (Taken taken = new Taken()) {
      Buffer values = parts.take(taken, (long) Float.BYTES * n * k);
      int row = 0;
      for (LinearWeight weight : weights) {
        long bytes = (long) Float.BYTES * weight.n() * k;
        write(parts, weight, values.slice((long) Float.BYTES * row * k, bytes));
        row += weight.n();
      }
      Optional<Buffer> bias = bias(parts, taken, weights, n);
      Matrix matrix = new Matrix(values, bias, n, k, true, numerics(weights));
      Optional<Fp32Norm> norm = parts.upload(taken, spec.norm(), k);
      return taken.keptBy(new Fp32Projection(parts, spec, norm, matrix, pieces(parts, weights)));
    }
  }

  /** The head of a tied model on its table. */
  static Fp32Projection tied(Fp32Parts parts, ProjectionSpec spec, Fp32Table table) {
    Matrix matrix =
        new Matrix(
            table.values(), Optional.empty(), table.vocabulary(), table.columns(), false, "fp32");
    List<Piece> all = List.of(new Piece(0, matrix.n, Optional.empty()));
    try (Taken taken = new Taken()) {
      Optional<Fp32Norm> norm = parts.upload(taken, spec.norm(), table.columns());
      return taken.keptBy(new Fp32Projection(parts, spec, norm, matrix, all));
    }
  }

  /** As few as there can be, in order. */
  private static List<Piece> pieces(Fp32Parts parts, List<LinearWeight> weights) {
    int k = weights.get(0).k();
    List<Piece> all = new ArrayList<>();
    for (int begin = 0, row = 0; begin < weights.size(); ) {
      Optional<InputRule> rule = InputRule.of(weights.get(begin));
      int end = begin;
      int n = 0;
      while (end < weights.size() && InputRule.of(weights.get(end)).equals(rule)) {
        n += weights.get(end++).n();
      }
      all.add(new Piece(row, n, rule.map(given -> given.on(parts.library(), k))));
      begin = end;
      row += n;
    }
    return all;
  }

  private static void write(Fp32Parts parts, LinearWeight weight, Buffer to) {
    if (weight.form() instanceof LinearWeight.Plain plain) {
      parts.device().write(to, 0, HostNumbers.floats(plain.values()));
      return;
    }
    LinearWeight.Quantized quantized = (LinearWeight.Quantized) weight.form();
    DType type = quantized.request().weight().dtype();
    try (Taken taken = new Taken()) {
      List<Buffer> stored = new ArrayList<>();
      quantized.parts().forEach(p -> stored.add(parts.upload(taken, HostNumbers.stored(p))));
      Buffer wide = parts.take(taken, type.bytes((long) weight.n() * weight.k()));
      new CudaWeightDequantizer(parts.library()).dequantize(quantized.request(), stored, wide);
      ByteBuffer host = HostNumbers.allocate(wide.bytes());
      parts.device().read(wide, 0, host);
      parts.device().write(to, 0, type == DType.F32 ? host : HostNumbers.floats(host, type));
    }
  }

  private static Optional<Buffer> bias(
      Fp32Parts parts, Taken taken, List<LinearWeight> weights, int n) {
    if (weights.stream().noneMatch(weight -> weight.bias().isPresent())) {
      return Optional.empty();
    }
    ByteBuffer all = HostNumbers.allocate((long) Float.BYTES * n);
    for (LinearWeight weight : weights) {
      int begin = all.position();
      weight.bias().ifPresent(bias -> all.put(HostNumbers.floats(bias)));
      all.position(begin + Float.BYTES * weight.n());
    }
    return Optional.of(parts.upload(taken, all.rewind()));
  }

  private static String numerics(List<LinearWeight> weights) {
    return weights.stream()
        .map(
            weight ->
                weight.form() instanceof LinearWeight.Quantized quantized
                    ? quantized.request().scheme().name()
                        + " dequantized to fp32"
                        + InputRule.text(weight)
                    : "fp32")
        .distinct()
        .collect(Collectors.joining("; "));
  }

  @Override
  public void run(Operation operation, int rows, Buffer x, Buffer y) {
    parts.scratch().check(rows);
    Buffer from = x;
    if (norm.isPresent()) {
      from = parts.scratch().get(Slot.NORMED);
      parts.kernels().norm(x, norm.get(), from, rows);
    }
    boolean last = after == After.NOTHING || after == After.LOGITS;
    Buffer product = last ? y : parts.scratch().get(Slot.WIDE);
    for (Piece piece : pieces) {
      multiply(piece, rows, from, product);
    }
    if (after == After.RESIDUAL) {
      parts.kernels().add(product, y, y, (long) rows * matrix.n);
    } else if (after == After.SWIGLU) {
      parts.kernels().gate(product, y, rows, matrix.n / 2);
    }
  }

  /** The columns of a piece; apart from the others they are placed beside them. */
  private void multiply(Piece piece, int rows, Buffer x, Buffer product) {
    Buffer from = x;
    if (piece.numbers.isPresent()) {
      from = parts.scratch().get(Slot.NUMBERS);
      piece.numbers.get().round(WeightType.F32, rows, x, from);
    }
    long row = (long) Float.BYTES * piece.row;
    boolean all = piece.n == matrix.n;
    Buffer to = all ? product : parts.scratch().get(Slot.PRODUCT);
    parts
        .gemm()
        .multiply(
            new Fp32Gemm.Shape(rows, piece.n, matrix.k),
            from,
            matrix.values.slice(row * matrix.k, (long) Float.BYTES * piece.n * matrix.k),
            matrix.bias.map(bias -> bias.slice(row, (long) Float.BYTES * piece.n)),
            to);
    if (!all) {
      parts
          .rows()
          .place(
              to,
              product.slice(row, product.bytes() - row),
              new RowKernels.Placement(Float.BYTES, rows, piece.n, piece.n, matrix.n, piece.n));
    }
  }

  @Override
  public long bytes() {
    return (matrix.owned ? matrix.values.bytes() : 0)
        + matrix.bias.map(Buffer::bytes).orElse(0L)
        + norm.map(weight -> weight.weight().bytes()).orElse(0L);
  }

  @Override
  public String numerics() {
    return matrix.numerics;
  }

  @Override
  public void close() {
    if (matrix.owned) {
      matrix.values.close();
    }
    matrix.bias.ifPresent(Buffer::close);
    norm.ifPresent(weight -> weight.weight().close());
  }
}
