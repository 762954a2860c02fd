package org.sparkao.gpu.model.cuda;

import java.util.Optional;
import org.sparkao.gpu.fake.CudaInputNumbers;
import org.sparkao.gpu.model.ExecutionForm;
import org.sparkao.gpu.model.LinearWeight;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.quant.scheme.Granularity;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.QuantArgs;
import org.sparkao.quant.scheme.QuantScheme;

/**
 * How rows become the numbers of their codes where the product takes no codes. What the processor
 * does then: the scheme's own arithmetic, or that of compressed-tensors for codes that products of
 * other weights take.
 */
record InputRule(QuantArgs activations, Numerics numerics) {
  private static final int BLOCK = 128;

  /** Empty where inputs stay as they are, because the scheme has none or stores their scale. */
  static Optional<InputRule> of(LinearWeight weight) {
    if (!(weight.form() instanceof LinearWeight.Quantized quantized)) {
      return Optional.empty();
    }
    QuantScheme scheme = quantized.request().scheme();
    return switch (ExecutionForm.of(scheme).activations()) {
      case UNQUANTIZED, FP8_STATIC, INT8_STATIC -> Optional.empty();
      case SCHEME ->
          Optional.of(
              new InputRule(scheme.activations().orElseThrow(), quantized.request().numerics()));
      case FP8_ROW, INT8_ROW ->
          Optional.of(
              new InputRule(scheme.activations().orElseThrow(), Numerics.COMPRESSED_TENSORS));
      // Blocks, because the last group of a row may be shorter.
      case FP8_GROUP ->
          Optional.of(
              new InputRule(
                  with(scheme.activations().orElseThrow(), new Granularity.PerBlock(1, BLOCK)),
                  Numerics.COMPRESSED_TENSORS));
    };
  }

  private static QuantArgs with(QuantArgs args, Granularity granularity) {
    return new QuantArgs(
        args.kind(), args.bits(), args.symmetric(), granularity, args.timing(), args.scale());
  }

  /** What numerics say of the inputs of a weight that is dequantized; empty where nothing. */
  static String text(LinearWeight weight) {
    boolean quantizes =
        weight.form() instanceof LinearWeight.Quantized quantized
            && quantized.request().scheme().activations().isPresent();
    return !quantizes ? "" : of(weight).isPresent() ? ", x numbers of its codes" : ", x as it is";
  }

  CudaInputNumbers on(KernelLibrary library, int columns) {
    return new CudaInputNumbers(library, activations, numerics, columns);
  }
}
