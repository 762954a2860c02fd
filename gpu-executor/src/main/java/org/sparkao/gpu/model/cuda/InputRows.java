package org.sparkao.gpu.model.cuda;

import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.fake.CudaInputNumbers;
import org.sparkao.gpu.layer.RmsNorm;
import org.sparkao.gpu.model.cuda.Scratch.Slot;
import org.sparkao.gpu.quantize.ActivationQuantizer;
import org.sparkao.gpu.quantize.ActivationQuantizer.Codes;
import org.sparkao.gpu.quantize.ActivationQuantizer.QuantizedRows;
import org.sparkao.quant.format.WeightType;

/** Rows on their way to a product: norm, numbers of codes, zeros behind them, codes. */
final class InputRows {
  private final CudaParts parts;
  private final LinearForm form;
  private final Optional<RmsNorm.NormWeight> norm;
  private final Optional<CudaInputNumbers> numbers;
  private final int k;
  private final int paddedK;

  /** What a product reads. */
  record Prepared(Buffer x, Optional<Buffer> scales) {}

  InputRows(CudaParts parts, Stack stack, Optional<RmsNorm.NormWeight> norm) {
    this(parts, stack, norm, 1);
  }

  /**
   * Of sorted rows.
   *
   * @param each of them come from a row that memory is reserved for
   */
  InputRows(CudaParts parts, Stack stack, Optional<RmsNorm.NormWeight> norm, int each) {
    this.parts = parts;
    this.form = stack.form();
    this.norm = norm;
    this.k = stack.k();
    this.paddedK = stack.paddedK();
    this.numbers = form.inputRule().map(rule -> rule.on(parts.library(), k));
    needs(each);
  }

  private void needs(int each) {
    Scratch scratch = parts.scratch();
    if (norm.isPresent()) {
      scratch.need(Slot.NORMED, (long) Short.BYTES * k * each);
    }
    if (numbers.isPresent()) {
      scratch.need(Slot.NUMBERS, (long) Short.BYTES * k * each);
    }
    if (k != paddedK || form.inputs() == Inputs.INT8_AS_BF16) {
      scratch.need(Slot.PADDED, (long) Short.BYTES * paddedK * each);
    }
    if (form.inputs().areCodes()) {
      scratch.need(Slot.CODES, (long) paddedK * each);
      long scales = Math.max(1, paddedK / ActivationQuantizer.GROUP);
      scratch.need(Slot.SCALES, Float.BYTES * scales * each);
    }
  }

  /** Launches what is to be done with rows [rows, K] bf16. */
  Prepared prepare(int rows, Buffer x) {
    if (norm.isPresent() && form.inputs() == Inputs.E4M3_ROWS && normsAndQuantizes()) {
      RmsNorm.NormWeight weight = norm.get();
      QuantizedRows out = codes();
      parts
          .quantizer()
          .quantizeNormalizedRows(
              rows,
              k,
              x,
              new ActivationQuantizer.NormWeight(weight.values(), weight.epsilon()),
              out);
      return new Prepared(out.codes(), Optional.of(out.scales()));
    }
    Buffer current = x;
    if (norm.isPresent()) {
      Buffer normed = parts.scratch().get(Slot.NORMED);
      parts.rows().norm().norm(current, norm.get(), normed, rows);
      current = normed;
    }
    if (numbers.isPresent()) {
      Buffer rounded = parts.scratch().get(Slot.NUMBERS);
      numbers.get().round(WeightType.BF16, rows, current, rounded);
      current = rounded;
    }
    if (k != paddedK) {
      Buffer padded = parts.scratch().get(Slot.PADDED);
      parts
          .kernels()
          .place(
              current, padded, new RowKernels.Placement(Short.BYTES, rows, k, k, paddedK, paddedK));
      current = padded;
    }
    return quantize(rows, current);
  }

  private boolean normsAndQuantizes() {
    return k == paddedK && k <= ActivationQuantizer.LARGEST_NORMALIZED_K;
  }

  private Prepared quantize(int rows, Buffer x) {
    if (!form.inputs().areCodes()) {
      return new Prepared(x, Optional.empty());
    }
    QuantizedRows out = codes();
    switch (form.inputs()) {
      case E4M3_ROWS -> parts.quantizer().quantizeRows(rows, paddedK, Codes.FP8_E4M3, x, out);
      case E4M3_GROUPS -> parts.quantizer().quantizeGroups(rows, paddedK, Codes.FP8_E4M3, x, out);
      case E4M3_STATIC -> {
        float scale = form.inputScale().orElseThrow();
        parts.kernels().staticCodes(x, out.codes(), scale, (long) rows * paddedK);
        return new Prepared(out.codes(), Optional.empty());
      }
      default -> parts.quantizer().quantizeRows(rows, paddedK, Codes.INT8, x, out);
    }
    if (form.inputs() == Inputs.INT8_AS_BF16) {
      Buffer wide = parts.scratch().get(Slot.PADDED);
      parts.kernels().asBf16(out.codes(), wide, (long) rows * paddedK);
      return new Prepared(wide, Optional.of(out.scales()));
    }
    return new Prepared(out.codes(), Optional.of(out.scales()));
  }

  private QuantizedRows codes() {
    return new QuantizedRows(parts.scratch().get(Slot.CODES), parts.scratch().get(Slot.SCALES));
  }
}
