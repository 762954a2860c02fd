package org.sparkao.gpu.model.cuda;

import java.util.Optional;
import org.sparkao.gpu.gemm.DenseOperands;
import org.sparkao.gpu.gemm.Int4Operands;
import org.sparkao.gpu.gemm.Operands;
import org.sparkao.gpu.gemm.Scaling;
import org.sparkao.gpu.model.LinearWeight;
import org.sparkao.gpu.model.Operation;

/**
 * How a linear layer is computed here: a function of its checkpoint form, in {@link LinearForms}.
 *
 * @param source where the weight's numbers come from
 * @param operands of the product
 * @param inputs what becomes of x
 * @param inputScale of {@link Inputs#E4M3_STATIC}
 * @param inputRule of {@link Inputs#NUMBERS}
 * @param storedGroup columns that share a scale in the checkpoint, of int4; 0 for a row
 * @param numerics as logs and rows name it
 */
record LinearForm(
    Source source,
    Operands operands,
    Inputs inputs,
    Optional<Float> inputScale,
    Optional<InputRule> inputRule,
    int storedGroup,
    String numerics) {

  /** Where numbers come from. */
  enum Source {
    /** bf16, converted from F16 and F32. */
    PLAIN,
    /** Codes of a byte, as stored. */
    CODES,
    /** Packed codes of four bits, as stored. */
    INT4,
    /** Dequantized to bf16 when the weight is put on the device. */
    DEQUANTIZED
  }

  static LinearForm plain() {
    return bf16(Source.PLAIN, Optional.empty(), "bf16");
  }

  /** A weight dequantized by itself. */
  static LinearForm dequantized(LinearWeight weight) {
    String scheme = ((LinearWeight.Quantized) weight.form()).request().scheme().name();
    return dequantized(scheme, InputRule.of(weight), InputRule.text(weight));
  }

  /**
   * Weights dequantized together.
   *
   * @param schemes of them
   * @param inputs what numerics say of x
   */
  static LinearForm dequantized(String schemes, Optional<InputRule> inputRule, String inputs) {
    return bf16(Source.DEQUANTIZED, inputRule, schemes + " dequantized to bf16" + inputs);
  }

  static LinearForm codes(DenseOperands operands, Inputs inputs, String numerics) {
    return new LinearForm(
        Source.CODES, operands, inputs, Optional.empty(), Optional.empty(), 0, numerics);
  }

  private static LinearForm bf16(Source source, Optional<InputRule> inputRule, String numerics) {
    return new LinearForm(
        source,
        DenseOperands.bf16(),
        inputRule.isPresent() ? Inputs.NUMBERS : Inputs.BF16,
        Optional.empty(),
        inputRule,
        0,
        numerics);
  }

  boolean int4() {
    return operands instanceof Int4Operands;
  }

  /** Whether W has a scale for 128 x 128 weights. */
  boolean blocks() {
    return operands instanceof DenseOperands dense && dense.scalingOfW() == Scaling.BLOCK;
  }

  /** Whether zero points of eight rows share a word. */
  boolean zeroPoints() {
    return operands instanceof Int4Operands int4
        && int4.zeroPoints() == Int4Operands.ZeroPoints.GIVEN;
  }

  /** What K is padded to a multiple of. */
  int multipleOfK() {
    return blocks() ? 128 : 16;
  }

  /** Whether sums are scaled by a kernel behind the product, which does nothing else. */
  boolean scalesBehind() {
    return inputs == Inputs.INT8_AS_BF16;
  }

  /** Whether gate and up are one product whose rows take turns. */
  boolean gates() {
    return !scalesBehind() && !blocks();
  }

  /** Whether the product of an operation gates and adds by itself. */
  boolean fuses(Operation operation) {
    return !scalesBehind() && (!int4() || operation == Operation.DECODE);
  }
}
