package org.sparkao.gpu.fake;

import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.quantize.RangeKeys;
import org.sparkao.gpu.tensor.CudaTensor;
import org.sparkao.gpu.tensor.Parameter;
import org.sparkao.gpu.tensor.Tensor;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.observe.TensorRange;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.QuantArgs;

/**
 * Fakes of a GPU: weights and their gradients in fp32, fake weights and inputs in fp32 or bf16. All
 * schemes; fake numbers have the bits of {@link HostFakes}, rounded once more where they are kept
 * in bf16. Work goes to the calling thread's stream.
 */
public final class CudaFakes implements FakeDevice {
  private static final int TENSOR_BYTES = 16;

  private final KernelLibrary library;
  private final RangeKeys keys;
  private final Buffer tensor;
  private Optional<Buffer> sums = Optional.empty();

  /** Fakes on the device of a library, which stays the caller's. */
  public CudaFakes(KernelLibrary library) {
    this.library = library;
    this.keys = new RangeKeys(library);
    try {
      this.tensor = library.device().allocate(TENSOR_BYTES);
    } catch (RuntimeException e) {
      keys.close();
      throw e;
    }
  }

  /** The folder of kernels. */
  public static String operation() {
    return FakeKernels.OP;
  }

  @Override
  public Tensor allocate(int rows, int columns) {
    return CudaTensor.allocate(library.device(), WeightType.F32, rows, columns);
  }

  @Override
  public WeightFake computed(QuantizeRequest request, List<Tensor> siblings) {
    return new Computed(request, siblings);
  }

  @Override
  public WeightFake learned(LearnedScales scales) {
    return new Learned(scales);
  }

  @Override
  public ActivationFake inputs(
      QuantArgs activations, Numerics numerics, Optional<TensorRange> range) {
    return new Inputs(activations, numerics, range);
  }

  @Override
  public void close() {
    keys.close();
    tensor.close();
    sums.ifPresent(Buffer::close);
  }

  private Buffer sums(long bytes) {
    if (sums.isEmpty() || sums.get().bytes() < bytes) {
      Buffer larger = library.device().allocate(bytes);
      sums.ifPresent(Buffer::close);
      sums = Optional.of(larger);
    }
    return sums.get().slice(0, bytes);
  }

  /** What groups need of the range in {@link #keys}. */
  private FakeKernels.Source ofTensor(FakeKernels kernels) {
    kernels.tensor(keys.buffer(), tensor);
    return new FakeKernels.Source(Optional.empty(), Optional.empty(), Optional.of(tensor));
  }

  /** Scales from the weight. */
  private final class Computed implements WeightFake {
    private final QuantizeRequest request;
    private final List<Tensor> siblings;
    private final FakeKernels kernels;

    Computed(QuantizeRequest request, List<Tensor> siblings) {
      this.request = request;
      this.siblings = siblings;
      this.kernels = new FakeKernels(library, request);
    }

    private FakeKernels.Source source() {
      if (!request.scheme().needsTensorRange()) {
        return FakeKernels.Source.OF_GROUPS;
      }
      keys.clear();
      for (Tensor sibling : siblings) {
        keys.add(CudaTensor.of(sibling).buffer(), sibling.elements());
      }
      return ofTensor(kernels);
    }

    @Override
    public void forward(Tensor weight, Tensor fake) {
      kernels.forward(CudaTensor.of(weight), source(), CudaTensor.of(fake));
    }

    @Override
    public void backward(Tensor weight, Tensor gradient) {
      kernels.cutOff(CudaTensor.of(weight), source(), CudaTensor.of(gradient));
    }

    @Override
    public List<Parameter> parameters() {
      return List.of();
    }

    @Override
    public void close() {
      // Nothing is held.
    }
  }

  /** Learned scales. */
  private final class Learned implements WeightFake {
    private final LearnedScales scales;
    private final FakeKernels kernels;

    Learned(LearnedScales scales) {
      this.scales = scales;
      this.kernels = new FakeKernels(library, scales.request());
    }

    @Override
    public void forward(Tensor weight, Tensor fake) {
      FakeKernels.Source source = FakeKernels.Source.of(scales);
      kernels.forward(CudaTensor.of(weight), source, CudaTensor.of(fake));
    }

    @Override
    public void backward(Tensor weight, Tensor gradient) {
      Buffer ofRows = sums(kernels.sumBytes(weight.rows()));
      FakeKernels.Source source = FakeKernels.Source.of(scales);
      kernels.backward(CudaTensor.of(weight), source, CudaTensor.of(gradient), ofRows);
      kernels.addSums(ofRows, scales, weight.rows());
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

  /** Inputs of one layer. */
  private final class Inputs implements ActivationFake {
    private final QuantArgs activations;
    private final Numerics numerics;
    private final Optional<TensorRange> range;

    Inputs(QuantArgs activations, Numerics numerics, Optional<TensorRange> range) {
      this.activations = activations;
      this.numerics = numerics;
      this.range = range;
    }

    private FakeKernels kernels(Tensor x) {
      return FakeKernels.ofInputs(library, activations, numerics, x.rows(), x.columns());
    }

    private FakeKernels.Source source(FakeKernels kernels) {
      if (range.isEmpty()) {
        return FakeKernels.Source.OF_GROUPS;
      }
      keys.set(range.get());
      return ofTensor(kernels);
    }

    @Override
    public void forward(Tensor x, Tensor fake) {
      FakeKernels kernels = kernels(x);
      kernels.forward(CudaTensor.of(x), source(kernels), CudaTensor.of(fake));
    }

    @Override
    public void backward(Tensor x, Tensor gradient) {
      FakeKernels kernels = kernels(x);
      kernels.cutOff(CudaTensor.of(x), source(kernels), CudaTensor.of(gradient));
    }

    @Override
    public List<Parameter> parameters() {
      return List.of();
    }

    @Override
    public void close() {
      // Nothing is held.
    }
  }
}
