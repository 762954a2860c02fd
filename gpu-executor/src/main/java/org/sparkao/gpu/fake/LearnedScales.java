package org.sparkao.gpu.fake;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.sparkao.gpu.tensor.Parameter;
import org.sparkao.gpu.tensor.Tensor;
import org.sparkao.quant.algorithm.FakeQuantizer;
import org.sparkao.quant.algorithm.GivenScales;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.Quantizers;
import org.sparkao.quant.format.TwosComplement;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.observe.TensorRange;
import org.sparkao.quant.observe.Workers;
import org.sparkao.quant.scheme.Granularity;
import org.sparkao.quant.scheme.QuantArgs;

/**
 * Scales, and zero points, of one weight that are learned. They begin as round to nearest chooses
 * them, or with those that an earlier training wrote. A scale is used as it will be stored: rounded
 * to the type of the weight, not below 1e-9 and the smallest normal number of that type; a zero
 * point is rounded and kept within the codes. Gradients go through both as if they were not.
 */
public final class LearnedScales implements AutoCloseable {
  /** What the name of a learned scale ends with, behind the module's. */
  public static final String SUFFIX = ".weight_scale";

  private static final float SMALLEST_SCALE = 1e-9f;
  private static final float LARGEST_FP8 = 448;

  private final QuantizeRequest request;
  private final Parameter scale;
  private final Optional<Parameter> zeroPoint;
  private final int bandRows;
  private final int groups;
  private final float factor;

  private LearnedScales(
      String module,
      QuantizeRequest request,
      FakeQuantizer begin,
      boolean stepSize,
      FakeDevice device) {
    this.request = request;
    int rows = Math.toIntExact(request.weight().rows());
    boolean whole = isWhole(request);
    this.bandRows = whole ? rows : begin.bandRows();
    this.groups = begin.groups();
    this.scale = parameter(module + SUFFIX, rows, device);
    this.zeroPoint =
        request.scheme().weights().symmetric()
            ? Optional.empty()
            : Optional.of(parameter(module + ".weight_zero_point", rows, device));
    double sharing = (double) Math.min(bandRows, rows) * begin.groupColumns();
    this.factor = stepSize ? (float) (1 / Math.sqrt(sharing * largestCode())) : 1;
  }

  /**
   * Scales that begin with given ones, as a stage of training before wrote them (Chen et al. 2024,
   * EfficientQAT, section 3.3).
   *
   * @param stepSize whether gradients are scaled: {@link FakeSettings.Ranges#LEARNED_STEP}
   * @param device where the weight lies
   * @throws org.sparkao.quant.QuantException when they are not those of the request
   */
  static LearnedScales of(
      String module,
      QuantizeRequest request,
      GivenScales given,
      boolean stepSize,
      FakeDevice device) {
    FakeQuantizer begin = Quantizers.fake(request, given);
    LearnedScales made = new LearnedScales(module, request, begin, stepSize, device);
    made.begin(given);
    return made;
  }

  /**
   * Scales that begin with those of {@code weight}.
   *
   * @param stepSize whether gradients are scaled: {@link FakeSettings.Ranges#LEARNED_STEP}
   * @param device where the weight lies
   */
  static LearnedScales of(
      String module, QuantizeRequest request, Tensor weight, boolean stepSize, FakeDevice device) {
    float[] values = weight.toFloats();
    Optional<TensorRange> range =
        request.scheme().needsTensorRange()
            ? Optional.of(FusedRange.of(values, 0, values.length, request.weight().dtype()))
            : Optional.empty();
    FakeQuantizer begin = Quantizers.fake(request, range);
    LearnedScales made = new LearnedScales(module, request, begin, stepSize, device);
    // One scale of a tensor is known from its first row.
    int rows = isWhole(request) ? 1 : weight.rows();
    FakeQuantizer.Rows all = new FakeQuantizer.Rows(values, 0, 0, rows);
    made.begin(first(() -> Quantizers.fake(request, range), all, weight.columns()));
    return made;
  }

  /**
   * The scales of some rows, by all cores.
   *
   * @param quantizer makes one for each thread
   */
  private static GivenScales first(
      Supplier<FakeQuantizer> quantizer, FakeQuantizer.Rows all, int columns) {
    FakeQuantizer shape = quantizer.get();
    int bands = (all.rows() + shape.bandRows() - 1) / shape.bandRows();
    float[] scales = new float[bands * shape.groups()];
    int[] zeroPoints = new int[scales.length];
    new RowWork(Workers.ALL_CORES)
        .run(
            all.rows(),
            shape.bandRows(),
            (begin, end) -> {
              FakeQuantizer.Rows rows =
                  new FakeQuantizer.Rows(all.values(), begin * columns, begin, end - begin);
              GivenScales some = quantizer.get().scales(rows);
              int at = begin / shape.bandRows() * shape.groups();
              for (int i = 0; i < some.scales().length; i++) {
                scales[at + i] = Math.max(SMALLEST_SCALE, some.scales()[i]);
                zeroPoints[at + i] = some.zeroPoints()[i];
              }
            });
    return new GivenScales(scales, zeroPoints);
  }

  private void begin(GivenScales first) {
    scale.value().write(first.scales(), 0);
    zeroPoint.ifPresent(learned -> learned.value().write(floats(first.zeroPoints()), 0));
  }

  private Parameter parameter(String name, int rows, FakeDevice device) {
    int bands = (rows + bandRows - 1) / bandRows;
    return new Parameter(name, device.allocate(bands, groups), device.allocate(bands, groups));
  }

  private static boolean isWhole(QuantizeRequest request) {
    return request.scheme().weights().granularity() instanceof Granularity.PerTensor;
  }

  private static float[] floats(int[] values) {
    float[] all = new float[values.length];
    for (int i = 0; i < all.length; i++) {
      all[i] = values[i];
    }
    return all;
  }

  private float largestCode() {
    QuantArgs args = request.scheme().weights();
    return args.kind() == QuantArgs.Kind.INT
        ? new TwosComplement(args.bits()).largest()
        : LARGEST_FP8;
  }

  /** What is used, and stored, now. */
  GivenScales now() {
    WeightType type = WeightType.valueOf(request.weight().dtype().name());
    float smallest = Math.max(SMALLEST_SCALE, type.smallestNormal());
    float[] scales = scale.value().toFloats();
    for (int i = 0; i < scales.length; i++) {
      scales[i] = type.round(Math.max(smallest, scales[i]));
    }
    int[] zeroPoints = new int[zeroPoint.isPresent() ? scales.length : 0];
    if (zeroPoint.isPresent()) {
      TwosComplement codes = new TwosComplement(request.scheme().weights().bits());
      float[] learned = zeroPoint.get().value().toFloats();
      for (int i = 0; i < zeroPoints.length; i++) {
        double rounded = Math.rint((double) learned[i]);
        zeroPoints[i] = (int) Math.max(codes.smallest(), Math.min(codes.largest(), rounded));
      }
    }
    return new GivenScales(scales, zeroPoints);
  }

  /** What they are of. */
  QuantizeRequest request() {
    return request;
  }

  /** [bands, groups], before they are rounded. */
  Parameter scale() {
    return scale;
  }

  /** The same shape; none for symmetric codes. */
  Optional<Parameter> zeroPoint() {
    return zeroPoint;
  }

  /** Rows that share a scale. */
  int bandRows() {
    return bandRows;
  }

  /** Scales side by side along a row. */
  int groups() {
    return groups;
  }

  /** What sums of gradients are multiplied with. */
  float factor() {
    return factor;
  }

  /** Both. */
  List<Parameter> parameters() {
    List<Parameter> all = new ArrayList<>(List.of(scale));
    zeroPoint.ifPresent(all::add);
    return List.copyOf(all);
  }

  @Override
  public void close() {
    for (Parameter parameter : parameters()) {
      parameter.value().close();
      parameter.gradient().close();
    }
  }
}
