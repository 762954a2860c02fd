package org.sparkao.gpu.fake;

import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.tensor.HostTensor;
import org.sparkao.gpu.tensor.Tensor;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.observe.TensorRange;
import org.sparkao.quant.observe.Workers;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.QuantArgs;

/** Fakes of the processor, in fp32, by the code of quant-lib: the reference of every other. */
public final class HostFakes implements FakeDevice {
  private final CpuDevice device;
  private final RowWork rowWork;

  /**
   * Fakes on a device, which stays the caller's.
   *
   * @param workers run parts of a matrix
   */
  public HostFakes(CpuDevice device, Workers workers) {
    this.device = device;
    this.rowWork = new RowWork(workers);
  }

  @Override
  public Tensor allocate(int rows, int columns) {
    return HostTensor.allocate(device, rows, columns);
  }

  @Override
  public WeightFake computed(QuantizeRequest request, List<Tensor> siblings) {
    return new ComputedWeightFake(request, siblings, rowWork);
  }

  @Override
  public WeightFake learned(LearnedScales scales) {
    return new LearnedWeightFake(scales, rowWork);
  }

  @Override
  public ActivationFake inputs(
      QuantArgs activations, Numerics numerics, Optional<TensorRange> range) {
    return new HostActivationFake(activations, numerics, range, rowWork);
  }

  @Override
  public void close() {
    // Nothing is held.
  }
}
