package org.sparkao.gpu.model.cuda;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.layer.CudaEmbedding;
import org.sparkao.gpu.layer.Embedding;
import org.sparkao.gpu.layer.RmsNorm;
import org.sparkao.gpu.layer.SwiGlu;
import org.sparkao.gpu.model.LinearWeight;
import org.sparkao.gpu.model.Mixture;
import org.sparkao.gpu.model.Operation;
import org.sparkao.gpu.model.Projection;
import org.sparkao.gpu.model.ProjectionSpec.After;
import org.sparkao.gpu.model.cuda.MixtureKernels.Choices;
import org.sparkao.gpu.model.cuda.MixtureKernels.Order;
import org.sparkao.gpu.model.cuda.Scratch.Slot;

/**
 * A mixture of experts in bf16: norm, router, tokens sorted by expert on the device, two grouped
 * products with the gate between them, and the weighted sum onto the residual. The host knows no
 * count, so that decoding can be captured.
 */
final class CudaMixture implements Projection {
  private static final int MULTIPLE = 16;

  private final CudaParts parts;
  private final Mixture mixture;
  private final MixtureKernels kernels;
  private final ChoiceMemory memory;
  private final List<Runnable> closing = new ArrayList<>();
  private final Optional<RmsNorm.NormWeight> norm;
  private final StackedLinear router;
  private final GroupedLinear wide;
  private final GroupedLinear down;
  private final int hidden;
  private final int intermediate;

  CudaMixture(CudaParts parts, Mixture mixture) {
    this.parts = parts;
    this.mixture = mixture;
    Mixture.Expert first = mixture.experts().get(0);
    this.hidden = first.gate().k();
    this.intermediate = first.gate().n();
    check();
    this.kernels = new MixtureKernels(parts.library(), mixture);
    this.memory = new ChoiceMemory(parts.scratch(), mixture.experts().size(), mixture.perToken());
    needs();
    String name = mixture.spec().name();
    try {
      this.norm = parts.upload(name, mixture.spec().norm(), hidden);
      norm.ifPresent(weight -> closing.add(weight.values()::close));
      Stack stack = new Stack(LinearForms.of(mixture.router()), List.of(mixture.router()), 1);
      this.router = StackedLinear.load(parts, name, stack, After.LOGITS, Optional.empty());
      closing.add(router::close);
      this.wide = GroupedLinear.load(parts, name, gatesAndUps(), mixture.perToken());
      closing.add(wide::close);
      this.down = GroupedLinear.load(parts, name, downs(), mixture.perToken());
      closing.add(down::close);
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  private void check() {
    String name = mixture.spec().name();
    checkCounts(mixture);
    if (hidden % MULTIPLE != 0 || intermediate % MULTIPLE != 0) {
      throw new IllegalArgumentException(CudaModelErrors.expertShape(name, hidden, intermediate));
    }
  }

  /** Refuses more experts than the kernels choose among. */
  static void checkCounts(Mixture mixture) {
    int count = mixture.experts().size();
    if (count > MixtureKernels.MOST_EXPERTS || mixture.perToken() > MixtureKernels.MOST_OF_TOKEN) {
      throw new IllegalArgumentException(
          CudaModelErrors.experts(
              mixture.spec().name(),
              count,
              mixture.perToken(),
              MixtureKernels.MOST_EXPERTS,
              MixtureKernels.MOST_OF_TOKEN));
    }
  }

  private void needs() {
    long each = (long) Short.BYTES * mixture.perToken();
    Scratch scratch = parts.scratch();
    scratch.need(Slot.NORMED, (long) Short.BYTES * hidden);
    scratch.need(Slot.SORTED, each * hidden);
    scratch.need(Slot.EXPERT_WIDE, each * 2 * intermediate);
    scratch.need(Slot.EXPERT_GATED, each * intermediate);
    scratch.need(Slot.EXPERT_OUT, each * hidden);
    int experts = mixture.experts().size();
    scratch.need(Slot.PRODUCT, (long) Float.BYTES * Stack.up(experts, MULTIPLE));
  }

  private List<List<LinearWeight>> gatesAndUps() {
    return mixture.experts().stream().map(expert -> List.of(expert.gate(), expert.up())).toList();
  }

  private List<List<LinearWeight>> downs() {
    return mixture.experts().stream().map(expert -> List.of(expert.down())).toList();
  }

  @Override
  public void run(Operation operation, int rows, Buffer x, Buffer y) {
    parts.scratch().check(rows);
    Buffer from = x;
    if (norm.isPresent()) {
      from = parts.scratch().get(Slot.NORMED);
      parts.rows().norm().norm(x, norm.get(), from, rows);
    }
    Choices choices = memory.choices(rows);
    Order order = memory.order(rows);
    route(operation, rows, from);
    kernels.route(memory.scores(), choices, rows, mixture.weighting());
    kernels.sort(choices, order, rows);
    int sorted = rows * mixture.perToken();
    Buffer gathered = parts.scratch().get(Slot.SORTED);
    Embedding.Table table =
        new Embedding.Table(from.slice(0, (long) Short.BYTES * rows * hidden), rows, hidden);
    new CudaEmbedding(parts.library()).gather(table, order.rows(), gathered, sorted);
    Buffer both = parts.scratch().get(Slot.EXPERT_WIDE);
    Buffer gated = parts.scratch().get(Slot.EXPERT_GATED);
    Buffer out = parts.scratch().get(Slot.EXPERT_OUT);
    wide.multiply(operation, sorted, order.offsets(), gathered, both);
    parts.rows().gate().apply(both, SwiGlu.Order.HALVES, gated, sorted, intermediate);
    down.multiply(operation, sorted, order.offsets(), gated, out);
    kernels.sum(out, order, choices, y, new MixtureKernels.Size(rows, hidden));
  }

  /** Scores of the router; decode's products take few rows at a time. */
  private void route(Operation operation, int rows, Buffer x) {
    int experts = mixture.experts().size();
    int width = router.width(operation);
    Buffer product = width == experts ? memory.scores() : parts.scratch().get(Slot.PRODUCT);
    int most = operation == Operation.DECODE ? 128 : rows;
    for (int first = 0; first < rows; first += most) {
      int some = Math.min(most, rows - first);
      long begin = (long) Short.BYTES * hidden * first;
      long at = (long) Float.BYTES * width * first;
      router.multiply(
          operation,
          some,
          x.slice(begin, (long) Short.BYTES * hidden * some),
          Optional.empty(),
          product.slice(at, (long) Float.BYTES * width * some));
    }
    if (width != experts) {
      RowKernels.Placement narrow =
          new RowKernels.Placement(Float.BYTES, rows, experts, width, experts, experts);
      parts.kernels().place(product, memory.scores(), narrow);
    }
  }

  @Override
  public long bytes() {
    return router.bytes()
        + wide.bytes()
        + down.bytes()
        + norm.map(weight -> weight.values().bytes()).orElse(0L);
  }

  @Override
  public String numerics() {
    String both = wide.numerics();
    return "experts "
        + (both.equals(down.numerics()) ? both : both + "; " + down.numerics())
        + ", router "
        + router.numerics();
  }

  @Override
  public void close() {
    closing.forEach(Runnable::run);
  }
}
