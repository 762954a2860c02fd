package org.sparkao.gpu.fake;

import java.util.List;
import org.sparkao.gpu.tensor.HostTensor;
import org.sparkao.gpu.tensor.Parameter;
import org.sparkao.gpu.tensor.Tensor;
import org.sparkao.quant.algorithm.FakeQuantizer;
import org.sparkao.quant.algorithm.GivenScales;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.Quantizers;

/** A weight whose scales are learned, on the processor. */
final class LearnedWeightFake implements WeightFake {
  private final LearnedScales scales;
  private final QuantizeRequest request;
  private final RowWork rowWork;

  /** The scales become the fake's. */
  LearnedWeightFake(LearnedScales scales, RowWork rowWork) {
    this.scales = scales;
    this.request = scales.request();
    this.rowWork = rowWork;
  }

  @Override
  public void forward(Tensor weight, Tensor fake) {
    GivenScales now = scales.now();
    new ComputedFake(rowWork).forward(() -> Quantizers.fake(request, now), weight, fake);
  }

  @Override
  public void backward(Tensor weight, Tensor gradient) {
    GivenScales now = scales.now();
    HostTensor from = HostTensor.of(weight);
    HostTensor to = HostTensor.of(gradient);
    int groups = scales.groups();
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
    add(ofScale, scales.scale().gradient());
    scales.zeroPoint().ifPresent(learned -> add(ofZeroPoint, learned.gradient()));
  }

  /** Adds sums [N, groups] to the gradient of the bands they belong to, row by row. */
  private void add(double[] ofRows, Tensor gradient) {
    HostTensor to = HostTensor.of(gradient);
    int groups = scales.groups();
    double[] sums = new double[to.rows() * groups];
    for (int i = 0; i < ofRows.length; i++) {
      sums[i / groups / scales.bandRows() * groups + i % groups] += ofRows[i];
    }
    for (int i = 0; i < sums.length; i++) {
      to.array()[to.offset() + i] += (float) sums[i] * scales.factor();
    }
  }

  @Override
  public List<Parameter> parameters() {
    return scales.parameters();
  }

  @Override
  public void close() {
    scales.close();
  }
}
