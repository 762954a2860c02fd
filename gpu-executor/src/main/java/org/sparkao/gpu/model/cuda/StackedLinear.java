package org.sparkao.gpu.model.cuda;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.Taken;
import org.sparkao.gpu.gemm.CudaGemms;
import org.sparkao.gpu.gemm.ElementType;
import org.sparkao.gpu.gemm.Gemm;
import org.sparkao.gpu.gemm.GemmCall;
import org.sparkao.gpu.gemm.GemmWeights;
import org.sparkao.gpu.gemm.WeightMatrix;
import org.sparkao.gpu.layer.RmsNorm;
import org.sparkao.gpu.model.Operation;
import org.sparkao.gpu.model.ProjectionSpec.After;
import org.sparkao.gpu.model.cuda.Scratch.Slot;

/** One product on the device, and what becomes of its rows before it. */
final class StackedLinear implements AutoCloseable {
  private final CudaParts parts;
  private final LinearForm form;
  private final InputRows input;
  private final GemmWeights weights;
  private final GemmWeights prefillWeights;
  private final Optional<Buffer> inputScale;
  private final Optional<Buffer> biasBehind;
  private final boolean ownsWeights;
  private final boolean logits;
  private final int columns;

  private StackedLinear(CudaParts parts, Stack stack, Loaded loaded, InputRows input) {
    this.parts = parts;
    this.form = stack.form();
    this.columns = stack.rows();
    this.input = input;
    this.weights = loaded.weights;
    this.prefillWeights = form.fuses(Operation.PREFILL) ? weights : CudaGemms.withoutSteps(weights);
    this.inputScale = loaded.inputScale;
    this.biasBehind = loaded.biasBehind;
    this.ownsWeights = loaded.owned;
    this.logits = loaded.logits;
    needs();
  }

  /** What lies on the device. */
  private record Loaded(
      GemmWeights weights,
      Optional<Buffer> inputScale,
      Optional<Buffer> biasBehind,
      boolean owned,
      boolean logits) {}

  /**
   * Puts a stack on the device.
   *
   * @param after what the projection does, as far as the product may do it
   */
  static StackedLinear load(
      CudaParts parts, String name, Stack stack, After after, Optional<RmsNorm.NormWeight> norm) {
    try (StackLoader loader = new StackLoader(parts, stack);
        Taken taken = new Taken()) {
      Gemm gemm = gemm(name, stack, after);
      Optional<Buffer> scale =
          stack.form().inputScale().map(value -> taken.add(scale(parts, value), Buffer::close));
      Optional<Buffer> bias =
          loader.biasBehind(stack.paddedRows()).map(behind -> taken.add(behind, Buffer::close));
      GemmWeights weights =
          gates(stack, after)
              ? parts
                  .products()
                  .decode()
                  .prepareGated(gemm, half(loader, stack, 0), half(loader, stack, 1))
              : parts
                  .products()
                  .decode()
                  .prepare(gemm, loader.matrix(stack.members(), stack.paddedRows()));
      taken.add(weights, GemmWeights::close);
      Loaded loaded = new Loaded(weights, scale, bias, true, after == After.LOGITS);
      return taken.keptBy(
          new StackedLinear(parts, stack, loaded, new InputRows(parts, stack, norm)));
    }
  }

  /** With weights that somebody else closes. */
  static StackedLinear sharing(
      CudaParts parts, Stack stack, GemmWeights weights, Optional<RmsNorm.NormWeight> norm) {
    Loaded loaded = new Loaded(weights, Optional.empty(), Optional.empty(), false, true);
    return new StackedLinear(parts, stack, loaded, new InputRows(parts, stack, norm));
  }

  /** With weights of its own that were prepared elsewhere. */
  static StackedLinear owning(
      CudaParts parts, Stack stack, GemmWeights weights, Optional<RmsNorm.NormWeight> norm) {
    Loaded loaded = new Loaded(weights, Optional.empty(), Optional.empty(), true, true);
    return new StackedLinear(parts, stack, loaded, new InputRows(parts, stack, norm));
  }

  private static WeightMatrix half(StackLoader loader, Stack stack, int index) {
    return loader.matrix(List.of(stack.members().get(index)), stack.paddedRows() / 2);
  }

  private static Buffer scale(CudaParts parts, float value) {
    ByteBuffer bytes = ByteBuffer.allocate(Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    return parts.upload(bytes.putFloat(value).flip());
  }

  private static Gemm gemm(String name, Stack stack, After after) {
    boolean scaledBehind = stack.form().scalesBehind();
    ElementType output =
        after == After.LOGITS || scaledBehind ? ElementType.FP32 : ElementType.BF16;
    Gemm gemm = Gemm.of(name, stack.paddedRows(), stack.paddedK(), stack.form().operands(), output);
    if (stack.biased() && !scaledBehind) {
      gemm = gemm.with(Gemm.Step.BIAS);
    }
    if (gates(stack, after)) {
      gemm = gemm.with(Gemm.Step.SILU_GATE);
    }
    return adds(stack, after) ? gemm.with(Gemm.Step.RESIDUAL) : gemm;
  }

  /** Whether gate and up are one product. */
  static boolean gates(Stack stack, After after) {
    return after == After.SWIGLU && stack.members().size() == 2 && stack.form().gates();
  }

  /** Whether what an operation launches adds the residual. */
  static boolean addsResidual(Stack stack, After after, Operation operation) {
    boolean scaledBehind = stack.form().scalesBehind();
    return after == After.RESIDUAL
        && (scaledBehind || stack.form().fuses(operation))
        && stack.rows() == stack.paddedRows();
  }

  private static boolean adds(Stack stack, After after) {
    return !stack.form().scalesBehind() && addsResidual(stack, after, Operation.DECODE);
  }

  private void needs() {
    Gemm gemm = weights.gemm();
    if (form.scalesBehind()) {
      parts.scratch().need(Slot.SUMS, (long) Float.BYTES * gemm.n());
    }
    int rows = 128;
    long bytes = parts.products().prefill().workspaceBytes(gemm, rows);
    parts.scratch().need(Slot.WORKSPACE, (bytes + rows - 1) / rows);
  }

  /** Columns of what an operation gives, with those of padding. */
  int width(Operation operation) {
    return of(operation).gemm().columns();
  }

  /** Columns that count, of a product without a gate. */
  int columns() {
    return columns;
  }

  private GemmWeights of(Operation operation) {
    return operation == Operation.PREFILL ? prefillWeights : weights;
  }

  long bytes() {
    return ownsWeights
        ? weights.bytes()
            + inputScale.map(Buffer::bytes).orElse(0L)
            + biasBehind.map(Buffer::bytes).orElse(0L)
        : 0;
  }

  String numerics() {
    return form.numerics();
  }

  /**
   * Launches it.
   *
   * @param residual given where {@link #addsResidual} says so
   * @param y [rows, {@link #width}], fp32 for logits
   */
  void multiply(Operation operation, int rows, Buffer x, Optional<Buffer> residual, Buffer y) {
    InputRows.Prepared prepared = input.prepare(rows, x);
    if (form.scalesBehind()) {
      Buffer sums = logits ? y : parts.scratch().get(Slot.SUMS);
      product(
          operation, new GemmCall(rows, prepared.x(), Optional.empty(), Optional.empty(), sums));
      scale(
          rows,
          new RowKernels.Sums(sums, prepared.scales().orElseThrow(), biasBehind, residual),
          y);
      return;
    }
    Optional<Buffer> scales = inputScale.isPresent() ? inputScale : prepared.scales();
    product(operation, new GemmCall(rows, prepared.x(), scales, residual, y));
  }

  private void scale(int rows, RowKernels.Sums sums, Buffer y) {
    int width = weights.gemm().n();
    if (logits) {
      parts.kernels().scaleToFp32(sums, y, rows, width);
    } else {
      parts.kernels().scaleToBf16(sums, y, rows, width);
    }
  }

  private void product(Operation operation, GemmCall call) {
    if (operation == Operation.PREFILL) {
      Buffer workspace = parts.scratch().get(Slot.WORKSPACE);
      parts.products().prefill().multiply(prefillWeights, call, workspace);
    } else {
      parts.products().decode().multiply(weights, call);
    }
  }

  @Override
  public void close() {
    if (ownsWeights) {
      weights.close();
    }
    inputScale.ifPresent(Buffer::close);
    biasBehind.ifPresent(Buffer::close);
  }
}
