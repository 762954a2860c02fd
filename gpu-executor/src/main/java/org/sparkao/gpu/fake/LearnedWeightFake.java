package org.sparkao.gpu.fake;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.tensor.HostTensor;
import org.sparkao.gpu.tensor.Parameter;
import org.sparkao.gpu.tensor.Tensor;
import org.sparkao.quant.algorithm.FakeQuantizer;
import org.sparkao.quant.algorithm.GivenScales;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.Quantizers;
import org.sparkao.quant.format.TwosComplement;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.observe.TensorRange;
import org.sparkao.quant.scheme.QuantArgs;

/**
 * A weight whose scales, and zero points, are learned. They begin as round to nearest chooses them.
 * A scale is used as it will be stored: rounded to the type of the weight, not below 1e-9 and the
 * smallest normal number of that type; a zero point is rounded and kept within the codes. Gradients
 * go through both as if they were not.
 */
final class LearnedWeightFake implements WeightFake {
  private static final float SMALLEST_SCALE = 1e-9f;
  private static final float LARGEST_FP8 = 448;

  private final QuantizeRequest request;
  private final RowWork rowWork;
  private final HostTensor scale;
  private final HostTensor scaleGradient;
  private final Optional<HostTensor> zeroPoint;
  private final Optional<HostTensor> zeroPointGradient;
  private final List<Parameter> parameters = new ArrayList<>();
  private final int bandRows;
  private final int groups;
  private final float factor;

  private LearnedWeightFake(
      String module, QuantizeRequest request, FakeQuantizer begin, CpuDevice device, Parts parts) {
    this.request = request;
    this.rowWork = parts.rowWork();
    int rows = Math.toIntExact(request.weight().rows());
    boolean whole = parts.whole();
    this.bandRows = whole ? rows : begin.bandRows();
    this.groups = begin.groups();
    int bands = (rows + bandRows - 1) / bandRows;
    this.scale = HostTensor.allocate(device, bands, groups);
    this.scaleGradient = HostTensor.allocate(device, bands, groups);
    parameters.add(new Parameter(module + ".weight_scale", scale, scaleGradient));
    if (request.scheme().weights().symmetric()) {
      this.zeroPoint = Optional.empty();
      this.zeroPointGradient = Optional.empty();
    } else {
      this.zeroPoint = Optional.of(HostTensor.allocate(device, bands, groups));
      this.zeroPointGradient = Optional.of(HostTensor.allocate(device, bands, groups));
      parameters.add(
          new Parameter(module + ".weight_zero_point", zeroPoint.get(), zeroPointGradient.get()));
    }
    double sharing = (double) Math.min(bandRows, rows) * begin.groupColumns();
    this.factor = parts.stepSize() ? (float) (1 / Math.sqrt(sharing * largestCode())) : 1;
  }

  /**
   * Settings beside the request.
   *
   * @param whole one scale for the tensor
   * @param stepSize whether gradients of scales are scaled
   */
  record Parts(RowWork rowWork, boolean whole, boolean stepSize) {}

  /** A fake that begins with the scales of {@code weight}. */
  static LearnedWeightFake of(
      String module, QuantizeRequest request, Tensor weight, CpuDevice device, Parts parts) {
    Optional<TensorRange> range = Optional.empty();
    if (request.scheme().needsTensorRange()) {
      FusedRange own = new FusedRange();
      own.add(weight);
      range = Optional.of(own.range(request.weight().dtype()));
    }
    FakeQuantizer begin = Quantizers.fake(request, range);
    LearnedWeightFake made = new LearnedWeightFake(module, request, begin, device, parts);
    HostTensor from = HostTensor.of(weight);
    // One scale of a tensor is known from its first row.
    int rows = parts.whole() ? 1 : from.rows();
    GivenScales first = begin.scales(RowWork.rows(from, 0, rows));
    float[] scales = first.scales();
    for (int i = 0; i < scales.length; i++) {
      scales[i] = Math.max(SMALLEST_SCALE, scales[i]);
    }
    made.scale.write(scales, 0);
    made.zeroPoint.ifPresent(tensor -> tensor.write(floats(first.zeroPoints()), 0));
    return made;
  }

  private static float[] floats(int[] values) {
    float[] all = new float[values.length];
    for (int i = 0; i < all.length; i++) {
      all[i] = values[i];
    }
    return all;
  }

  /** What is used, and stored, now. */
  GivenScales scales() {
    WeightType type = WeightType.valueOf(request.weight().dtype().name());
    float smallest = Math.max(SMALLEST_SCALE, type.smallestNormal());
    float[] scales = scale.toFloats();
    for (int i = 0; i < scales.length; i++) {
      scales[i] = type.round(Math.max(smallest, scales[i]));
    }
    int[] zeroPoints = new int[zeroPoint.isPresent() ? scales.length : 0];
    if (zeroPoint.isPresent()) {
      TwosComplement codes = new TwosComplement(request.scheme().weights().bits());
      float[] learned = zeroPoint.get().toFloats();
      for (int i = 0; i < zeroPoints.length; i++) {
        double rounded = Math.rint((double) learned[i]);
        zeroPoints[i] = (int) Math.max(codes.smallest(), Math.min(codes.largest(), rounded));
      }
    }
    return new GivenScales(scales, zeroPoints);
  }

  QuantizeRequest request() {
    return request;
  }

  private float largestCode() {
    QuantArgs args = request.scheme().weights();
    return args.kind() == QuantArgs.Kind.INT
        ? new TwosComplement(args.bits()).largest()
        : LARGEST_FP8;
  }

  @Override
  public void forward(Tensor weight, Tensor fake) {
    GivenScales now = scales();
    new ComputedFake(rowWork).forward(() -> Quantizers.fake(request, now), weight, fake);
  }

  @Override
  public void backward(Tensor weight, Tensor gradient) {
    GivenScales now = scales();
    HostTensor from = HostTensor.of(weight);
    HostTensor to = HostTensor.of(gradient);
    double[] ofScale = new double[from.rows() * groups];
    double[] ofZeroPoint = new double[from.rows() * groups];
    int band = Quantizers.fake(request, now).bandRows();
    rowWork.run(
        from.rows(),
        band,
        (begin, end) -> {
          FakeQuantizer.ScaleGradients sums = new FakeQuantizer.ScaleGradients();
          Quantizers.fake(request, now)
              .backward(RowWork.rows(from, begin, end), to.array(), to.at(begin), sums);
          int count = (end - begin) * groups;
          System.arraycopy(sums.scale, 0, ofScale, begin * groups, count);
          System.arraycopy(sums.zeroPoint, 0, ofZeroPoint, begin * groups, count);
        });
    add(ofScale, scaleGradient);
    zeroPointGradient.ifPresent(tensor -> add(ofZeroPoint, tensor));
  }

  /** Adds sums [N, groups] to the gradient of the bands they belong to, row by row. */
  private void add(double[] ofRows, HostTensor to) {
    double[] sums = new double[to.rows() * groups];
    for (int i = 0; i < ofRows.length; i++) {
      sums[i / groups / bandRows * groups + i % groups] += ofRows[i];
    }
    for (int i = 0; i < sums.length; i++) {
      to.array()[to.offset() + i] += (float) sums[i] * factor;
    }
  }

  @Override
  public List<Parameter> parameters() {
    return List.copyOf(parameters);
  }

  @Override
  public void close() {
    scale.close();
    scaleGradient.close();
    zeroPoint.ifPresent(HostTensor::close);
    zeroPointGradient.ifPresent(HostTensor::close);
  }
}
