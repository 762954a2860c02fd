package org.sparkao.gpu.model.cuda;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.Taken;
import org.sparkao.gpu.model.LinearWeight;
import org.sparkao.gpu.model.Mixture;
import org.sparkao.gpu.model.Operation;
import org.sparkao.gpu.model.Projection;
import org.sparkao.gpu.model.ProjectionSpec;
import org.sparkao.gpu.model.ProjectionSpec.After;
import org.sparkao.gpu.model.cuda.Fp32Kernels.Fp32Norm;
import org.sparkao.gpu.model.cuda.Scratch.Slot;

/**
 * A mixture of experts in fp32: every expert computes all tokens, and what it gave of those that
 * chose it is added. That is more work than needed, and no token's bits depend on another's.
 */
final class Fp32Mixture implements Projection {
  private final Fp32Parts parts;
  private final Mixture mixture;
  private final MixtureKernels kernels;
  private final ChoiceMemory memory;
  private final Optional<Fp32Norm> norm;
  private final Projection router;
  private final List<Projection> wide = new ArrayList<>();
  private final List<Projection> down = new ArrayList<>();
  private final int hidden;

  Fp32Mixture(Fp32Parts parts, Mixture mixture) {
    this.parts = parts;
    this.mixture = mixture;
    this.hidden = mixture.router().k();
    CudaMixture.checkCounts(mixture);
    this.kernels = new MixtureKernels(parts.library(), mixture);
    this.memory = new ChoiceMemory(parts.scratch(), mixture.experts().size(), mixture.perToken());
    String name = mixture.spec().name();
    try (Taken taken = new Taken()) {
      this.norm = parts.upload(taken, mixture.spec().norm(), hidden);
      this.router = project(taken, name + " router", After.LOGITS, List.of(mixture.router()));
      for (Mixture.Expert expert : mixture.experts()) {
        wide.add(project(taken, name, After.SWIGLU, List.of(expert.gate(), expert.up())));
        down.add(project(taken, name, After.NOTHING, List.of(expert.down())));
      }
      int intermediate = mixture.experts().get(0).gate().n();
      parts.scratch().need(Slot.NORMED, (long) Float.BYTES * hidden);
      parts.scratch().need(Slot.EXPERT_GATED, (long) Float.BYTES * intermediate);
      parts.scratch().need(Slot.EXPERT_OUT, (long) Float.BYTES * hidden);
      taken.keptBy(this);
    }
  }

  private Projection project(Taken taken, String name, After after, List<LinearWeight> weights) {
    ProjectionSpec spec = new ProjectionSpec(name, Optional.empty(), after);
    return taken.add(Fp32Projection.load(parts, spec, weights), Projection::close);
  }

  @Override
  public void run(Operation operation, int rows, Buffer x, Buffer y) {
    parts.scratch().check(rows);
    Buffer from = parts.scratch().get(Slot.NORMED);
    if (norm.isPresent()) {
      parts.kernels().norm(x, norm.get(), from, rows);
    } else {
      long bytes = (long) Float.BYTES * rows * hidden;
      parts.device().stream().copy(x.slice(0, bytes), from.slice(0, bytes));
    }
    MixtureKernels.Choices choices = memory.choices(rows);
    router.run(operation, rows, from, memory.scores());
    kernels.route(memory.scores(), choices, rows, mixture.weighting());
    Buffer gated = parts.scratch().get(Slot.EXPERT_GATED);
    Buffer out = parts.scratch().get(Slot.EXPERT_OUT);
    for (int expert = 0; expert < wide.size(); expert++) {
      wide.get(expert).run(operation, rows, from, gated);
      down.get(expert).run(operation, rows, gated, out);
      kernels.add(out, choices, expert, y, new MixtureKernels.Size(rows, hidden));
    }
  }

  @Override
  public long bytes() {
    return router.bytes()
        + wide.stream().mapToLong(Projection::bytes).sum()
        + down.stream().mapToLong(Projection::bytes).sum()
        + norm.map(weight -> weight.weight().bytes()).orElse(0L);
  }

  @Override
  public String numerics() {
    return "experts " + wide.get(0).numerics() + ", router " + router.numerics();
  }

  @Override
  public void close() {
    router.close();
    wide.forEach(Projection::close);
    down.forEach(Projection::close);
    norm.ifPresent(weight -> weight.weight().close());
  }
}
