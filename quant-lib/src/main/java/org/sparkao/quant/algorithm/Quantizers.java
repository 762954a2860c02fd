package org.sparkao.quant.algorithm;

import java.util.List;
import java.util.Optional;
import org.sparkao.quant.observe.TensorRange;
import org.sparkao.quant.pack.PackedPart;
import org.sparkao.quant.safetensors.DType;

/** The table of contents of this package: which request is answered by which quantizer. */
public final class Quantizers {
  private static final GroupKernels KERNELS = KernelChoice.choose();

  private Quantizers() {}

  /**
   * The tensors that a weight becomes. Needs no weight, so that it serves planning.
   *
   * @throws org.sparkao.quant.QuantException when the scheme, algorithm, numerics, layout and shape
   *     do not go together; the message says what would
   */
  public static List<PackedPart> parts(QuantizeRequest request) {
    return QuantizerAssembly.parts(request);
  }

  /**
   * A quantizer for one weight.
   *
   * @param range the range of the whole weight and its fused siblings; required when {@code
   *     request.scheme().needsTensorRange()}
   */
  public static TensorQuantizer create(QuantizeRequest request, Optional<TensorRange> range) {
    return create(request, RangeChoice.of(range));
  }

  /** The same, ranges being found from activations too. */
  public static TensorQuantizer create(QuantizeRequest request, RangeChoice choice) {
    return QuantizerAssembly.create(request, choice, KERNELS);
  }

  /** What loaders make of weights that are rounded to nearest, without their codes. */
  public static RowRounding rounding(QuantizeRequest request, RangeChoice choice) {
    return RowRounding.of(request, choice, KERNELS);
  }

  /** Scales and codes of one weight, for algorithms that choose its codes by themselves. */
  public static WeightGrid grid(QuantizeRequest request, RangeChoice choice) {
    return WeightGrid.of(request, choice, KERNELS);
  }

  /**
   * A quantizer for one weight whose scales are given.
   *
   * @throws org.sparkao.quant.QuantException when they are not those of the request
   */
  public static TensorQuantizer create(QuantizeRequest request, GivenScales given) {
    return QuantizerAssembly.create(request, given, KERNELS);
  }

  /**
   * What {@link #create(QuantizeRequest, Optional)} stores, as numbers: for training. The algorithm
   * is round to nearest.
   *
   * @param range as there
   */
  public static FakeQuantizer fake(QuantizeRequest request, Optional<TensorRange> range) {
    return FakeQuantizer.of(request, range, KERNELS);
  }

  /** What {@link #create(QuantizeRequest, GivenScales)} stores, as numbers: for training. */
  public static FakeQuantizer fake(QuantizeRequest request, GivenScales given) {
    return FakeQuantizer.of(request, given, KERNELS);
  }

  /**
   * The range of {@code count} weights, little endian from byte {@code offset} on: the first pass
   * of schemes with a scale for the whole tensor. Ranges of slices merge in any order.
   *
   * @param dtype BF16, F16 or F32
   */
  public static TensorRange range(byte[] source, int offset, int count, DType dtype) {
    GroupRange range = new GroupRange();
    KERNELS.range(WeightTypes.of(dtype)).extend(source, offset, count, range);
    return new TensorRange(range.min, range.max);
  }

  /**
   * Powers of errors that the algorithm mse adds up, little endian, for devices that repeat its
   * search: fp64 tables of |x|^norm for the norm and for the norm rounded to the type of the weight
   * (of 256 exponents, of 1025 mantissas to be interpolated, the norm itself), then for BF16 the
   * fp32 powers of all magnitudes.
   *
   * @param dtype BF16, F16 or F32
   */
  public static byte[] powersOfErrors(DType dtype) {
    return RangeSearches.mseTables(WeightTypes.of(dtype));
  }

  /**
   * Which inner loops this JVM runs, {@code vector-256} or {@code plain}: stored with every run.
   * The bytes are the same.
   */
  public static String kernels() {
    return KERNELS.name();
  }
}
