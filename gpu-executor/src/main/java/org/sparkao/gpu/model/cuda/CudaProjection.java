package org.sparkao.gpu.model.cuda;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.Taken;
import org.sparkao.gpu.gemm.DecodeGemm;
import org.sparkao.gpu.layer.RmsNorm;
import org.sparkao.gpu.layer.SwiGlu;
import org.sparkao.gpu.model.LinearWeight;
import org.sparkao.gpu.model.Operation;
import org.sparkao.gpu.model.Projection;
import org.sparkao.gpu.model.ProjectionSpec;
import org.sparkao.gpu.model.ProjectionSpec.After;
import org.sparkao.gpu.model.cuda.Scratch.Slot;

/**
 * A projection in bf16: one product where its weights allow it, which then does all that follows it
 * too, else several whose results are placed side by side.
 */
final class CudaProjection implements Projection {
  private static final int MULTIPLE = 16;

  private final CudaParts parts;
  private final After after;
  private final Optional<RmsNorm.NormWeight> norm;
  private final List<StackedLinear> linears;
  private final Shape shape;
  private final Set<Operation> direct;
  private final boolean interleaved;

  /**
   * Sizes.
   *
   * @param k columns of x
   * @param columns of y
   * @param wide columns of gate and up together, padded; else as {@code columns}
   */
  private record Shape(int k, int columns, int wide) {}

  private CudaProjection(
      CudaParts parts,
      ProjectionSpec spec,
      Optional<RmsNorm.NormWeight> norm,
      Shape shape,
      List<StackedLinear> linears,
      Stack first) {
    this.parts = parts;
    this.after = spec.after();
    this.norm = norm;
    this.shape = shape;
    this.linears = linears;
    this.direct = EnumSet.noneOf(Operation.class);
    this.interleaved = StackedLinear.gates(first, after);
    for (Operation operation : Operation.values()) {
      if (linears.size() == 1 && isDirect(first, after, shape.columns, operation)) {
        direct.add(operation);
      }
    }
    needs();
  }

  /** Puts weights on the device. */
  static CudaProjection load(CudaParts parts, ProjectionSpec spec, List<LinearWeight> weights) {
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
    List<Stack> stacks = gate ? Stack.ofGate(weights) : Stack.of(weights);
    List<StackedLinear> linears = new ArrayList<>();
    try (Taken taken = new Taken()) {
      Optional<RmsNorm.NormWeight> norm = parts.upload(spec.name(), spec.norm(), k);
      norm.ifPresent(weight -> taken.add(weight.values(), Buffer::close));
      for (Stack stack : stacks) {
        StackedLinear one = StackedLinear.load(parts, spec.name(), stack, spec.after(), norm);
        linears.add(taken.add(one, StackedLinear::close));
      }
      int n = weights.stream().mapToInt(LinearWeight::n).sum();
      int columns = gate ? n / 2 : n;
      int wide = gate ? 2 * Stack.up(columns, MULTIPLE) : n;
      Shape shape = new Shape(k, columns, wide);
      return taken.keptBy(new CudaProjection(parts, spec, norm, shape, linears, stacks.get(0)));
    }
  }

  /** A head on weights that are there. */
  static CudaProjection head(
      CudaParts parts,
      ProjectionSpec spec,
      Optional<RmsNorm.NormWeight> norm,
      Stack stack,
      StackedLinear linear) {
    Shape shape = new Shape(stack.k(), stack.rows(), stack.rows());
    return new CudaProjection(parts, spec, norm, shape, List.of(linear), stack);
  }

  private static boolean isDirect(Stack stack, After after, int columns, Operation operation) {
    return switch (after) {
      case NOTHING, LOGITS -> stack.paddedRows() == columns;
      case RESIDUAL -> StackedLinear.addsResidual(stack, after, operation);
      case SWIGLU ->
          StackedLinear.gates(stack, after)
              && stack.form().fuses(operation)
              && stack.paddedRows() == 2 * columns;
    };
  }

  private void needs() {
    Scratch scratch = parts.scratch();
    long each = elementBytes();
    for (Operation operation : Operation.values()) {
      if (direct.contains(operation)) {
        continue;
      }
      if (!isWide(operation)) {
        int widest = linears.stream().mapToInt(l -> l.width(operation)).max().orElseThrow();
        scratch.need(Slot.PRODUCT, each * widest);
      }
      if (after == After.RESIDUAL || after == After.SWIGLU) {
        scratch.need(Slot.WIDE, each * shape.wide);
      }
      if (after == After.SWIGLU) {
        scratch.need(Slot.GATED, each * shape.wide / 2);
      }
    }
  }

  /** Whether one product gives all columns at once, before the gate. */
  private boolean isWide(Operation operation) {
    return linears.size() == 1 && linears.get(0).width(operation) == shape.wide;
  }

  /** Whether one product gates, and pads. */
  private boolean isGated(Operation operation) {
    return after == After.SWIGLU
        && linears.size() == 1
        && linears.get(0).width(operation) * 2 == shape.wide;
  }

  private int elementBytes() {
    return after == After.LOGITS ? Float.BYTES : Short.BYTES;
  }

  @Override
  public void run(Operation operation, int rows, Buffer x, Buffer y) {
    parts.scratch().check(rows);
    if (operation == Operation.PREFILL || rows <= DecodeGemm.MOST_ROWS) {
      launch(operation, rows, x, y);
      return;
    }
    long xBytes = (long) Short.BYTES * shape.k;
    long yBytes = (long) elementBytes() * shape.columns;
    for (int first = 0; first < rows; first += DecodeGemm.MOST_ROWS) {
      int some = Math.min(DecodeGemm.MOST_ROWS, rows - first);
      launch(
          operation,
          some,
          x.slice(xBytes * first, xBytes * some),
          y.slice(yBytes * first, yBytes * some));
    }
  }

  private void launch(Operation operation, int rows, Buffer x, Buffer y) {
    if (direct.contains(operation)) {
      Optional<Buffer> residual = after == After.RESIDUAL ? Optional.of(y) : Optional.empty();
      linears.get(0).multiply(operation, rows, x, residual, y);
      return;
    }
    if (isGated(operation)) {
      Buffer gated = parts.scratch().get(Slot.GATED);
      linears.get(0).multiply(operation, rows, x, Optional.empty(), gated);
      narrow(gated, y, rows);
      return;
    }
    boolean last = after == After.NOTHING || after == After.LOGITS;
    Buffer wide = last ? y : parts.scratch().get(Slot.WIDE);
    products(operation, rows, x, wide);
    if (after == After.RESIDUAL) {
      parts.rows().add().add(wide, y, y, (long) rows * shape.columns);
    } else if (after == After.SWIGLU) {
      gate(rows, wide, y);
    }
  }

  /** All products side by side. */
  private void products(Operation operation, int rows, Buffer x, Buffer wide) {
    if (isWide(operation)) {
      linears.get(0).multiply(operation, rows, x, Optional.empty(), wide);
      return;
    }
    Buffer product = parts.scratch().get(Slot.PRODUCT);
    int bytes = elementBytes();
    int column = 0;
    for (StackedLinear linear : linears) {
      linear.multiply(operation, rows, x, Optional.empty(), product);
      int columns = linear.columns();
      long begin = (long) bytes * column;
      parts
          .kernels()
          .place(
              product,
              wide.slice(begin, wide.bytes() - begin),
              new RowKernels.Placement(
                  bytes, rows, columns, linear.width(operation), shape.wide, columns));
      column += columns;
    }
  }

  private void gate(int rows, Buffer wide, Buffer y) {
    int padded = shape.wide / 2;
    boolean narrow = padded > shape.columns;
    Buffer gated = narrow ? parts.scratch().get(Slot.GATED) : y;
    SwiGlu.Order order = interleaved ? SwiGlu.Order.PAIRS : SwiGlu.Order.HALVES;
    parts.rows().gate().apply(wide, order, gated, rows, padded);
    if (narrow) {
      narrow(gated, y, rows);
    }
  }

  /** Leaves the padding away. */
  private void narrow(Buffer gated, Buffer y, int rows) {
    int columns = shape.columns;
    parts
        .kernels()
        .place(
            gated,
            y,
            new RowKernels.Placement(Short.BYTES, rows, columns, shape.wide / 2, columns, columns));
  }

  @Override
  public long bytes() {
    return linears.stream().mapToLong(StackedLinear::bytes).sum()
        + norm.map(weight -> weight.values().bytes()).orElse(0L);
  }

  @Override
  public String numerics() {
    return linears.stream()
        .map(StackedLinear::numerics)
        .distinct()
        .collect(Collectors.joining("; "));
  }

  @Override
  public void close() {
    linears.forEach(StackedLinear::close);
    norm.ifPresent(weight -> weight.values().close());
  }
}
