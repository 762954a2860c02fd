package org.sparkao.gpu.train.cuda;

import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import org.sparkao.gpu.GpuErrors;
import org.sparkao.gpu.GpuException;
import org.sparkao.gpu.device.Device;
import org.sparkao.gpu.model.Arithmetic;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.tensor.CudaTensor;
import org.sparkao.gpu.tensor.Tensor;
import org.sparkao.gpu.train.Float8;
import org.sparkao.gpu.train.Float8Products;
import org.sparkao.gpu.train.Heads;
import org.sparkao.gpu.train.NormWeight;
import org.sparkao.gpu.train.Shapes;
import org.sparkao.gpu.train.TokenBatch;
import org.sparkao.gpu.train.TrainingOperators;
import org.sparkao.quant.format.WeightType;

/**
 * Operators on a GPU. In arithmetic bf16, hidden states are bf16: an operator computes in fp32 and
 * rounds its result once, to nearest even. In fp32 nothing is rounded between operators.
 */
public final class CudaTrainingOperators implements TrainingOperators {
  /** A new number whenever bits change. */
  private static final String VERSION = "CUDA training operators 1";

  private final KernelLibrary library;
  private final Arithmetic arithmetic;
  private final Workspace workspace;
  private final WholeTensors whole;
  private final Products products;
  private final RowOperators rowOperators;
  private final TokenOperators tokens;
  private final CudaTrainingHeads heads;
  private final CudaTrainingAttention attention;
  private final CudaTrainingLosses losses;

  /**
   * On the device of a library, which stays the caller's.
   *
   * @throws org.sparkao.gpu.GpuException when bf16 is asked of a GPU that is no Hopper
   */
  public CudaTrainingOperators(KernelLibrary library, Arithmetic arithmetic) {
    this.library = Objects.requireNonNull(library, "library");
    this.arithmetic = Objects.requireNonNull(arithmetic, "arithmetic");
    if (arithmetic == Arithmetic.BF16 && !library.hopper()) {
      throw new GpuException(GpuErrors.trainingNeedsHopper(library.device().info().label()));
    }
    this.workspace = new Workspace(library.device());
    this.whole = new WholeTensors(library, workspace);
    this.products = new Products(library, workspace, whole, arithmetic);
    this.rowOperators = new RowOperators(library, workspace);
    this.tokens = new TokenOperators(library, workspace);
    this.heads = new CudaTrainingHeads(library, workspace);
    this.attention = new CudaTrainingAttention(library, workspace);
    this.losses = new CudaTrainingLosses(library, workspace);
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
    return version(arithmetic);
  }

  /** What is known of the version before there is a device. */
  public static String version(Arithmetic arithmetic) {
    return VERSION + ", " + arithmetic.name().toLowerCase(Locale.ROOT);
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
    whole.zero(CudaTensor.of(x));
  }

  @Override
  public double[] squaredNorms(List<Tensor> tensors) {
    return whole.squaredNorms(tensors.stream().map(CudaTensor::of).toList());
  }

  @Override
  public void zero(List<Tensor> tensors) {
    whole.zero(tensors.stream().map(CudaTensor::of).toList());
  }

  @Override
  public void copy(Tensor x, Tensor y) {
    whole.copy(CudaTensor.of(x), same(x, y));
  }

  @Override
  public void add(Tensor x, float factor, Tensor y) {
    whole.add(CudaTensor.of(x), factor, same(x, y));
  }

  @Override
  public void scale(Tensor x, float factor) {
    whole.scale(CudaTensor.of(x), factor);
  }

  @Override
  public void multiply(Tensor x, Tensor y) {
    whole.multiply(CudaTensor.of(x), same(x, y));
  }

  @Override
  public void product(Tensor x, Tensor weight, Optional<Tensor> bias, Tensor y) {
    Shapes.equal("x against W", x.columns(), weight.columns());
    products.product(
        CudaTensor.of(x),
        CudaTensor.of(weight),
        bias.map(b -> shape(b, weight.rows(), 1)),
        shape(y, x.rows(), weight.rows()));
  }

  @Override
  public void inputGradient(Tensor dy, Tensor weight, Tensor dx) {
    Shapes.equal("dy against W", dy.columns(), weight.rows());
    products.inputGradient(
        CudaTensor.of(dy), CudaTensor.of(weight), shape(dx, dy.rows(), weight.columns()));
  }

  @Override
  public void weightGradient(Tensor dy, Tensor x, Tensor dw) {
    Shapes.equal("dy against x", dy.rows(), x.rows());
    products.weightGradient(
        CudaTensor.of(dy), CudaTensor.of(x), shape(dw, dy.columns(), x.columns()));
  }

  @Override
  public void biasGradient(Tensor dy, Tensor db) {
    rowOperators.addRows(CudaTensor.of(dy), shape(db, dy.columns(), 1));
  }

  @Override
  public Float8Products float8(Float8 scaling) {
    return new CudaFloat8Products(library, workspace, scaling);
  }

  @Override
  public void norm(Tensor x, NormWeight norm, Tensor y) {
    rowOperators.norm(CudaTensor.of(x), norm, same(x, y));
  }

  @Override
  public void normGradient(Tensor x, NormWeight norm, Tensor dy, Tensor dx) {
    rowOperators.normGradient(CudaTensor.of(x), norm, same(x, dy), same(x, dx));
  }

  @Override
  public void heads(Tensor raw, Heads settings, TokenBatch batch, Tensor qkv) {
    heads.heads(raw, settings, batch, qkv);
  }

  @Override
  public void headsGradient(Tensor raw, Heads settings, TokenBatch batch, Tensor gradient) {
    heads.headsGradient(raw, settings, batch, gradient);
  }

  @Override
  public void attend(AttendedHeads read, Attended out) {
    attention.attend(read, out);
  }

  @Override
  public void attendGradient(AttendedHeads read, Attended out, Tensor dOut, Tensor dQkv) {
    attention.attendGradient(read, out, dOut, dQkv);
  }

  @Override
  public void gate(Tensor gateUp, Tensor y) {
    rowOperators.gate(CudaTensor.of(gateUp), shape(y, gateUp.rows(), gateUp.columns() / 2));
  }

  @Override
  public void gateGradient(Tensor gateUp, Tensor dy, Tensor dGateUp) {
    rowOperators.gateGradient(
        CudaTensor.of(gateUp),
        shape(dy, gateUp.rows(), gateUp.columns() / 2),
        same(gateUp, dGateUp));
  }

  @Override
  public void embed(Tensor table, TokenBatch batch, Tensor hidden) {
    tokens.embed(CudaTensor.of(table), batch, shape(hidden, batch.tokens(), table.columns()));
  }

  @Override
  public void embedGradient(TokenBatch batch, Tensor dHidden, Tensor dTable) {
    tokens.embedGradient(
        batch, shape(dHidden, batch.tokens(), dTable.columns()), CudaTensor.of(dTable));
  }

  @Override
  public void crossEntropy(Tensor logits, int[] targets, float weight, Tensor perRow) {
    losses.crossEntropy(logits, targets, weight, perRow);
  }

  @Override
  public void divergence(
      Tensor logits, Tensor teacher, int[] targets, Distilling distillation, Tensor perRow) {
    losses.divergence(logits, teacher, targets, distillation, perRow);
  }

  @Override
  public void relativeError(Tensor y, Tensor target, Relative relative, Tensor perRow) {
    rowOperators.relativeError(
        CudaTensor.of(y), same(y, target), relative, shape(perRow, y.rows(), 1));
  }

  @Override
  public void close() {
    whole.close();
    workspace.close();
  }

  private static CudaTensor same(Tensor as, Tensor tensor) {
    return CudaTensor.of(Shapes.same(as, tensor));
  }

  private static CudaTensor shape(Tensor tensor, int rows, int columns) {
    return CudaTensor.of(Shapes.require(tensor, rows, columns));
  }
}
