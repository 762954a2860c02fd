package org.sparkao.gpu.train.cpu;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.device.Device;
import org.sparkao.gpu.model.cpu.Cores;
import org.sparkao.gpu.tensor.HostTensor;
import org.sparkao.gpu.tensor.Tensor;
import org.sparkao.gpu.train.Heads;
import org.sparkao.gpu.train.NormWeight;
import org.sparkao.gpu.train.Shapes;
import org.sparkao.gpu.train.TokenBatch;
import org.sparkao.gpu.train.TrainingOperators;
import org.sparkao.quant.observe.Workers;

/**
 * Operators in fp32 on a {@link CpuDevice}. Tensors are {@link HostTensor}s and count in the
 * device's budget; working memory, some rows a thread, does not.
 */
public final class CpuTrainingOperators implements TrainingOperators {
  /** A new number whenever bits change. */
  private static final String VERSION = "vector training operators 1";

  private final CpuDevice device;
  private final Cores cores;
  private final Multiplier multiplier;
  private final RowOperators rows;
  private final WholeTensors whole;
  private final TokenOperators tokens;
  private final AttentionForward attention;
  private final AttentionBackward attentionBackward;
  private final Losses losses;

  /**
   * On the processor; the device stays the caller's.
   *
   * @param threads that work, the caller's among them; they do not change a bit
   */
  public CpuTrainingOperators(CpuDevice device, int threads) {
    this.device = device;
    this.cores = new Cores(threads);
    this.multiplier = new Multiplier(cores);
    this.rows = new RowOperators(cores);
    this.whole = new WholeTensors(cores);
    this.tokens = new TokenOperators(cores);
    this.attention = new AttentionForward(cores);
    this.attentionBackward = new AttentionBackward(cores);
    this.losses = new Losses(cores);
  }

  /** Its threads, for fake quantization and optimizers; used when no operator runs. */
  public Workers workers() {
    return (count, piece) -> cores.run(count, (worker, index) -> piece.accept(index));
  }

  @Override
  public Device device() {
    return device;
  }

  @Override
  public String version() {
    return VERSION;
  }

  @Override
  public Tensor allocate(int rowCount, int columns) {
    return HostTensor.allocate(device, rowCount, columns);
  }

  @Override
  public Tensor allocateStates(int rowCount, int columns) {
    return allocate(rowCount, columns);
  }

  @Override
  public void zero(Tensor x) {
    HostTensor host = HostTensor.of(x);
    Arrays.fill(host.array(), host.offset(), host.at(host.rows()), 0);
  }

  @Override
  public void copy(Tensor x, Tensor y) {
    HostTensor to = sameShape(x, y);
    HostTensor.of(x).read(to.array(), to.offset());
  }

  @Override
  public void add(Tensor x, float factor, Tensor y) {
    whole.add(HostTensor.of(x), factor, sameShape(x, y));
  }

  @Override
  public void scale(Tensor x, float factor) {
    whole.scale(HostTensor.of(x), factor);
  }

  @Override
  public void multiply(Tensor x, Tensor y) {
    whole.multiply(HostTensor.of(x), sameShape(x, y));
  }

  @Override
  public double[] squaredNorms(List<Tensor> tensors) {
    return tensors.stream().map(HostTensor::of).mapToDouble(whole::squaredNorm).toArray();
  }

  @Override
  public void product(Tensor x, Tensor weight, Optional<Tensor> bias, Tensor y) {
    Shapes.equal("x against W", x.columns(), weight.columns());
    HostTensor to = shape(y, x.rows(), weight.rows());
    multiplier.run(
        LeftRows.of(HostTensor.of(x)),
        RightPanels.transposed(HostTensor.of(weight)),
        to,
        Multiplier.After.WRITE);
    bias.ifPresent(b -> rows.addToAll(HostTensor.of(b), to));
  }

  @Override
  public void inputGradient(Tensor dy, Tensor weight, Tensor dx) {
    Shapes.equal("dy against W", dy.columns(), weight.rows());
    multiplier.run(
        LeftRows.of(HostTensor.of(dy)),
        RightPanels.of(HostTensor.of(weight)),
        shape(dx, dy.rows(), weight.columns()),
        Multiplier.After.WRITE);
  }

  @Override
  public void weightGradient(Tensor dy, Tensor x, Tensor dw) {
    Shapes.equal("dy against x", dy.rows(), x.rows());
    multiplier.run(
        LeftRows.transposed(HostTensor.of(dy)),
        RightPanels.of(HostTensor.of(x)),
        shape(dw, dy.columns(), x.columns()),
        Multiplier.After.ADD);
  }

  @Override
  public void biasGradient(Tensor dy, Tensor db) {
    rows.addColumns(HostTensor.of(dy), shape(db, dy.columns(), 1));
  }

  @Override
  public void norm(Tensor x, NormWeight norm, Tensor y) {
    rows.norm(HostTensor.of(x), norm, sameShape(x, y));
  }

  @Override
  public void normGradient(Tensor x, NormWeight norm, Tensor dy, Tensor dx) {
    rows.normGradient(HostTensor.of(x), norm, sameShape(x, dy), sameShape(x, dx));
  }

  @Override
  public void heads(Tensor raw, Heads heads, TokenBatch batch, Tensor qkv) {
    shape(raw, batch.tokens(), heads.shape().rowElements());
    new HeadRows(heads, batch).forward(cores, HostTensor.of(raw), sameShape(raw, qkv));
  }

  @Override
  public void headsGradient(Tensor raw, Heads heads, TokenBatch batch, Tensor gradient) {
    shape(raw, batch.tokens(), heads.shape().rowElements());
    new HeadRows(heads, batch).backward(cores, HostTensor.of(raw), sameShape(raw, gradient));
  }

  @Override
  public void attend(AttendedHeads heads, Attended out) {
    Shapes.attended(heads, out);
    attention.run(heads, out);
  }

  @Override
  public void attendGradient(AttendedHeads heads, Attended out, Tensor dOut, Tensor dQkv) {
    Shapes.attended(heads, out);
    attentionBackward.run(heads, out, sameShape(out.values(), dOut), sameShape(heads.qkv(), dQkv));
  }

  @Override
  public void gate(Tensor gateUp, Tensor y) {
    rows.gate(HostTensor.of(gateUp), shape(y, gateUp.rows(), gateUp.columns() / 2));
  }

  @Override
  public void gateGradient(Tensor gateUp, Tensor dy, Tensor dGateUp) {
    rows.gateGradient(
        HostTensor.of(gateUp),
        shape(dy, gateUp.rows(), gateUp.columns() / 2),
        sameShape(gateUp, dGateUp));
  }

  @Override
  public void embed(Tensor table, TokenBatch batch, Tensor hidden) {
    tokens.embed(HostTensor.of(table), batch, shape(hidden, batch.tokens(), table.columns()));
  }

  @Override
  public void embedGradient(TokenBatch batch, Tensor dHidden, Tensor dTable) {
    tokens.embedGradient(
        batch, shape(dHidden, batch.tokens(), dTable.columns()), HostTensor.of(dTable));
  }

  @Override
  public void crossEntropy(Tensor logits, int[] targets, float weight, Tensor perRow) {
    Shapes.equal("targets against logits", targets.length, logits.rows());
    losses.crossEntropy(HostTensor.of(logits), targets, weight, shape(perRow, logits.rows(), 1));
  }

  @Override
  public void divergence(
      Tensor logits, Tensor teacher, int[] targets, Distilling distillation, Tensor perRow) {
    Shapes.equal("targets against logits", targets.length, logits.rows());
    losses.divergence(
        HostTensor.of(logits),
        sameShape(logits, teacher),
        targets,
        distillation,
        shape(perRow, logits.rows(), 1));
  }

  @Override
  public void relativeError(Tensor y, Tensor target, Relative relative, Tensor perRow) {
    losses.relativeError(
        HostTensor.of(y), sameShape(y, target), relative, shape(perRow, y.rows(), 1));
  }

  private static HostTensor sameShape(Tensor as, Tensor tensor) {
    return HostTensor.of(Shapes.same(as, tensor));
  }

  private static HostTensor shape(Tensor tensor, int rowCount, int columns) {
    return HostTensor.of(Shapes.require(tensor, rowCount, columns));
  }

  @Override
  public void close() {
    cores.close();
  }
}
