package org.sparkao.gpu.model;

import java.util.ArrayList;
import java.util.List;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.device.Device;
import org.sparkao.gpu.tensor.CudaTensor;
import org.sparkao.gpu.tensor.HostTensor;
import org.sparkao.gpu.tensor.Tensor;
import org.sparkao.quant.format.WeightType;

/**
 * The residual streams of some sequences, in memory of the device that runs them. The caller closes
 * it; the sequences are valid as long.
 */
public final class ResidentStates implements AutoCloseable {
  private final Tensor all;
  private final List<Tensor> sequences = new ArrayList<>();

  /**
   * Takes memory.
   *
   * @param type of the numbers; the processor has fp32
   * @param columns of a token
   * @throws org.sparkao.gpu.OutOfDeviceMemoryException when it does not fit
   */
  ResidentStates(Device device, WeightType type, List<int[]> tokens, int columns) {
    int rows = tokens.stream().mapToInt(one -> one.length).reduce(0, Math::addExact);
    this.all =
        device instanceof CudaDevice gpu
            ? CudaTensor.allocate(gpu, type, rows, columns)
            : HostTensor.allocate((CpuDevice) device, rows, columns);
    int begin = 0;
    for (int[] one : tokens) {
      sequences.add(all.slice(begin, begin + one.length));
      begin += one.length;
    }
  }

  /** Of each sequence, [tokens, hidden]. */
  public List<Tensor> sequences() {
    return List.copyOf(sequences);
  }

  @Override
  public void close() {
    all.close();
  }
}
