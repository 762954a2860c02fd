package org.sparkao.gpu.train.cuda;

import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.sparkao.gpu.device.Device;
import org.sparkao.gpu.model.Arithmetic;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.tensor.CudaTensor;
import org.sparkao.gpu.tensor.Tensor;
import org.sparkao.gpu.train.Heads;
import org.sparkao.gpu.train.NormWeight;
import org.sparkao.gpu.train.TokenBatch;
import org.sparkao.gpu.train.TrainingOperators;
import org.sparkao.quant.format.WeightType;

/**
 * Operators on a GPU. In arithmetic bf16, hidden states are bf16: an operator computes in fp32 and
 * rounds its result once, to nearest even. In fp32 nothing is rounded between operators.
 */
public final class CudaTrainingOperators implements TrainingOperators {
  private final KernelLibrary library;
  private final Arithmetic arithmetic;

  /** On the device of a library, which stays the caller's. */
  public CudaTrainingOperators(KernelLibrary library, Arithmetic arithmetic) {
    this.library = Objects.requireNonNull(library, "library");
    this.arithmetic = Objects.requireNonNull(arithmetic, "arithmetic");
  }

  /** The kernels; for fake quantization and optimizers. */
  public KernelLibrary library() {
    return library;
  }

  @Override
  public Device device() {
    return library.device();
  }

  @Override
  public String version() {
    return "CUDA training operators 1, " + (arithmetic == Arithmetic.BF16 ? "bf16" : "fp32");
  }

  @Override
  public Tensor allocate(int rows, int columns) {
    return CudaTensor.allocate(library.device(), WeightType.F32, rows, columns);
  }

  @Override
  public Tensor allocateStates(int rows, int columns) {
    WeightType type = arithmetic == Arithmetic.BF16 ? WeightType.BF16 : WeightType.F32;
    return CudaTensor.allocate(library.device(), type, rows, columns);
  }

  @Override
  public void zero(Tensor x) {
    CudaTensor tensor = CudaTensor.of(x);
    library.device().stream().fill(tensor.buffer(), (byte) 0);
  }

  @Override
  public double[] squaredNorms(List<Tensor> tensors) {
    throw new UnsupportedOperationException("squaredNorms");
  }

  @Override
  public void copy(Tensor x, Tensor y) {
    throw new UnsupportedOperationException("copy");
  }

  @Override
  public void add(Tensor x, Tensor y) {
    throw new UnsupportedOperationException("add");
  }

  @Override
  public void scale(Tensor x, float factor) {
    throw new UnsupportedOperationException("scale");
  }

  @Override
  public void product(Tensor x, Tensor weight, Optional<Tensor> bias, Tensor y) {
    throw new UnsupportedOperationException("product");
  }

  @Override
  public void inputGradient(Tensor dy, Tensor weight, Tensor dx) {
    throw new UnsupportedOperationException("inputGradient");
  }

  @Override
  public void weightGradient(Tensor dy, Tensor x, Tensor dw) {
    throw new UnsupportedOperationException("weightGradient");
  }

  @Override
  public void biasGradient(Tensor dy, Tensor db) {
    throw new UnsupportedOperationException("biasGradient");
  }

  @Override
  public void norm(Tensor x, NormWeight norm, Tensor y) {
    throw new UnsupportedOperationException("norm");
  }

  @Override
  public void normGradient(Tensor x, NormWeight norm, Tensor dy, Tensor dx) {
    throw new UnsupportedOperationException("normGradient");
  }

  @Override
  public void heads(Tensor raw, Heads heads, TokenBatch batch, Tensor qkv) {
    throw new UnsupportedOperationException("heads");
  }

  @Override
  public void headsGradient(Tensor raw, Heads heads, TokenBatch batch, Tensor gradient) {
    throw new UnsupportedOperationException("headsGradient");
  }

  @Override
  public void attend(AttendedHeads heads, Attended out) {
    throw new UnsupportedOperationException("attend");
  }

  @Override
  public void attendGradient(AttendedHeads heads, Attended out, Tensor dOut, Tensor dQkv) {
    throw new UnsupportedOperationException("attendGradient");
  }

  @Override
  public void gate(Tensor gateUp, Tensor y) {
    throw new UnsupportedOperationException("gate");
  }

  @Override
  public void gateGradient(Tensor gateUp, Tensor dy, Tensor dGateUp) {
    throw new UnsupportedOperationException("gateGradient");
  }

  @Override
  public void embed(Tensor table, TokenBatch batch, Tensor hidden) {
    throw new UnsupportedOperationException("embed");
  }

  @Override
  public void embedGradient(TokenBatch batch, Tensor dHidden, Tensor dTable) {
    throw new UnsupportedOperationException("embedGradient");
  }

  @Override
  public void crossEntropy(Tensor logits, int[] targets, float weight, Tensor losses) {
    throw new UnsupportedOperationException("crossEntropy");
  }

  @Override
  public void divergence(Tensor logits, Tensor teacher, Distilling distillation, Tensor losses) {
    throw new UnsupportedOperationException("divergence");
  }

  @Override
  public void squaredError(Tensor y, Tensor target, float weight, Tensor losses) {
    throw new UnsupportedOperationException("squaredError");
  }

  @Override
  public void close() {}
}
