package org.sparkao.gpu.gemm;

import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.GpuErrors;
import org.sparkao.gpu.device.Buffer;

/** What both families ask of products, weights and calls, on every device. */
final class GemmChecks {
  private static final String SEPARATE_GATE =
      "multiply gate and up as one weight without the step, and combine them with SwiGlu";
  private static final String SEPARATE_RESIDUAL = "leave the step out, and add with ResidualAdd";

  private static final String SPARSE = "2:4";

  /** What kernels load and store at a time. */
  private static final int VECTOR_BYTES = 16;

  private GemmChecks() {}

  /** Refuses what the prefill kernels lack. */
  static void prefill(Gemm gemm) {
    if (gemm.operands() instanceof Int4Operands) {
      refuseSteps(gemm, "int4 prefill");
    }
    if (gemm.operands().x() == ElementType.E5M2) {
      refuse(gemm, "prefill", "E5M2 activations", "quantize activations to E4M3");
    }
    boolean gate = gemm.has(Gemm.Step.SILU_GATE);
    if (gate && gemm.operands() instanceof DenseOperands dense && dense.blockScales()) {
      refuse(gemm, "prefill", "gate with block scales", SEPARATE_GATE);
    }
    if (gate && gemm.has(Gemm.Step.RESIDUAL)) {
      refuse(gemm, "prefill", "gate together with a residual", SEPARATE_RESIDUAL);
    }
  }

  /** Refuses what the kernels of 2:4 weights lack. */
  static void sparse(Gemm gemm) {
    String wayOut = "multiply the weight as a dense one";
    if (!(gemm.operands() instanceof DenseOperands dense)) {
      refuse(gemm, SPARSE, "int4 weights", wayOut);
    } else if (dense.x() == ElementType.INT8 || dense.x() == ElementType.E5M2) {
      refuse(gemm, SPARSE, dense.x() + " activations", wayOut);
    } else if (dense.blockScales()) {
      refuse(gemm, SPARSE, "scales of blocks", "use scales of rows, or " + wayOut);
    }
    refuseSteps(gemm, SPARSE);
  }

  /** What is thrown where gate and up are given for a 2:4 product. */
  static IllegalArgumentException sparseGate(Gemm gemm) {
    return new IllegalArgumentException(
        GpuErrors.gemmLacks(gemm.label(), SPARSE, "gate", SEPARATE_GATE));
  }

  /** Refuses a weight that is not one matrix, or of other sizes. */
  static void single(Gemm gemm, WeightMatrix matrix) {
    if (gemm.matrices() != 1) {
      throw new IllegalArgumentException(
          GpuErrors.gemmOperand(gemm.label(), "a second matrix, up,", false));
    }
    matrix(gemm, matrix);
  }

  /** Refuses gate and up where the product has no gate, or of other sizes. */
  static void gated(Gemm gemm, WeightMatrix gate, WeightMatrix up) {
    if (gemm.matrices() != 2) {
      throw new IllegalArgumentException(
          GpuErrors.gemmOperand(gemm.label(), "a second matrix, up,", true));
    }
    matrix(gemm, gate);
    matrix(gemm, up);
  }

  /** Refuses a mixture without experts, and matrices as {@link #single} does. */
  static void experts(Gemm gemm, List<WeightMatrix> experts) {
    if (experts.isEmpty()) {
      throw new IllegalArgumentException(GpuErrors.gemmWithoutExperts(gemm.name()));
    }
    experts.forEach(matrix -> single(gemm, matrix));
  }

  /** Refuses rows, operands, sizes and addresses that are not the product's. */
  static void call(Gemm gemm, GemmCall call) {
    int m = call.m();
    if (m < 1) {
      throw new IllegalArgumentException(GpuErrors.gemmWithoutRows(gemm.name(), m));
    }
    address(gemm, "x", call.x(), VECTOR_BYTES);
    address(gemm, "y", call.y(), VECTOR_BYTES);
    call.residual().ifPresent(added -> address(gemm, "residual", added, VECTOR_BYTES));
    call.scalesOfX().ifPresent(scales -> address(gemm, "scales of x", scales, Float.BYTES));
    size(gemm, "x", call.x(), gemm.bytesOfX(m));
    size(gemm, "y", call.y(), gemm.bytesOfY(m));
    optional(gemm, "scales of x", call.scalesOfX(), Float.BYTES * gemm.scalesOfX(m));
    boolean adds = gemm.has(Gemm.Step.RESIDUAL);
    optional(gemm, "residual", call.residual(), adds ? gemm.bytesOfY(m) : 0);
  }

  /** Refuses more rows than decode takes. */
  static void decodeRows(Gemm gemm, int m) {
    if (m > DecodeGemm.MOST_ROWS) {
      throw new IllegalArgumentException(GpuErrors.gemmRows(gemm.name(), m, DecodeGemm.MOST_ROWS));
    }
  }

  /** Refuses a workspace that is too small. */
  static void workspace(Gemm gemm, Buffer workspace, long needed) {
    size(gemm, "workspace", workspace, needed);
  }

  private static void matrix(Gemm gemm, WeightMatrix matrix) {
    int rows = gemm.n() / gemm.matrices();
    size(gemm, "codes", matrix.codes(), bytesOfCodes(gemm, rows));
    optional(gemm, "scales", matrix.scales(), bytesOfScales(gemm, rows));
    optional(gemm, "zero points", matrix.zeroPoints(), bytesOfZeroPoints(gemm, rows));
    boolean biased = gemm.has(Gemm.Step.BIAS);
    optional(gemm, "bias", matrix.bias(), biased ? (long) Float.BYTES * rows : 0);
  }

  private static long bytesOfCodes(Gemm gemm, int rows) {
    long elements = (long) rows * gemm.k();
    return gemm.operands() instanceof DenseOperands dense
        ? elements * dense.w().bytes()
        : elements / 2;
  }

  /** Bytes of the scales of a matrix of so many rows; 0 without. */
  static long bytesOfScales(Gemm gemm, int rows) {
    if (gemm.operands() instanceof Int4Operands int4) {
      return (long) rows * int4.groups(gemm.k()) * int4.scaleType().bytes();
    }
    return switch (((DenseOperands) gemm.operands()).scalingOfW()) {
      case NONE -> 0;
      case TENSOR -> Float.BYTES;
      case ROW -> (long) Float.BYTES * rows;
      case BLOCK -> (long) Float.BYTES * Gemm.blocks(rows) * Gemm.blocks(gemm.k());
    };
  }

  private static long bytesOfZeroPoints(Gemm gemm, int rows) {
    return gemm.operands() instanceof Int4Operands int4 && int4.asymmetric()
        ? (long) Integer.BYTES * ((rows + 7) / 8) * int4.groups(gemm.k())
        : 0;
  }

  private static void refuseSteps(Gemm gemm, String family) {
    if (gemm.has(Gemm.Step.SILU_GATE)) {
      refuse(gemm, family, "gate", SEPARATE_GATE);
    }
    if (gemm.has(Gemm.Step.RESIDUAL)) {
      refuse(gemm, family, "residual", SEPARATE_RESIDUAL);
    }
  }

  private static void refuse(Gemm gemm, String family, String what, String wayOut) {
    throw new IllegalArgumentException(GpuErrors.gemmLacks(gemm.label(), family, what, wayOut));
  }

  /** 0 bytes: there must be none. */
  private static void optional(Gemm gemm, String what, Optional<Buffer> buffer, long bytes) {
    if (buffer.isPresent() != bytes > 0) {
      throw new IllegalArgumentException(
          GpuErrors.gemmOperand(gemm.label(), what, buffer.isPresent()));
    }
    buffer.ifPresent(given -> size(gemm, what, given, bytes));
  }

  private static void address(Gemm gemm, String what, Buffer buffer, int multiple) {
    if (buffer.address() % multiple != 0) {
      throw new IllegalArgumentException(
          GpuErrors.gemmAddress(gemm.name(), what, buffer.address(), multiple));
    }
  }

  private static void size(Gemm gemm, String what, Buffer buffer, long bytes) {
    if (buffer.bytes() < bytes) {
      throw new IllegalArgumentException(
          GpuErrors.gemmBuffer(gemm.name(), what, bytes, buffer.bytes()));
    }
  }
}
