package org.sparkao.gpu.model.cpu;

import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.model.ExpertObserver;
import org.sparkao.gpu.model.ObservedMixture;

/** A mixture of experts: one expert after the other, each with all of its rows. */
final class CpuMixture implements ObservedMixture {
  private final Layers router;
  private final List<Expert> experts;
  private final Optional<RowNorm> norm;
  private final Routing routing;
  private final Cores cores;
  private final Workspace workspace;
  private final CpuDevice.Held memory;

  /**
   * A mixture.
   *
   * @param memory what its weights take; closed with it
   */
  CpuMixture(
      Matrices matrices,
      Optional<RowNorm> norm,
      Routing routing,
      Cores cores,
      Workspace workspace,
      CpuDevice.Held memory) {
    this.router = matrices.router();
    this.experts = matrices.experts();
    this.norm = norm;
    this.routing = routing;
    this.cores = cores;
    this.workspace = workspace;
    this.memory = memory;
  }

  /** All matrices. */
  record Matrices(Layers router, List<Expert> experts) {}

  /**
   * The matrices of an expert.
   *
   * @param inner gate and up
   */
  record Expert(Layers inner, Layers down) {}

  @Override
  public void run(int rows, Buffer x, Buffer y, ExpertObserver observer) {
    int k = router.k();
    float[] input = workspace.take(Workspace.Use.INPUT, rows, k);
    FloatBuffer from = Workspace.floats(x);
    from.get(0, input, 0, rows * k);
    norm.ifPresent(n -> cores.rows(rows, row -> n.apply(input, row * k)));
    float[] copy = workspace.take(Workspace.Use.EXPERT_INPUT, rows, k);
    System.arraycopy(input, 0, copy, 0, rows * k);
    float[] scores = workspace.take(Workspace.Use.EXPERT_OUTPUT, rows, experts.size());
    router.apply(copy, rows, FloatBuffer.wrap(scores));
    routing.weights(scores, rows, experts.size());
    float[] weights = scores.clone();
    float[] sums = workspace.take(Workspace.Use.SUMS, rows, k);
    Arrays.fill(sums, 0, rows * k, 0);
    for (int expert = 0; expert < experts.size(); expert++) {
      add(expert, rows, input, weights, sums, observer);
      if (observer.shown(expert) == ExpertObserver.Shown.ALL) {
        show(expert, rows, input, observer);
      }
    }
    FloatBuffer to = Workspace.floats(y);
    cores.rows(rows, row -> addRow(to, sums, row, k));
  }

  /** Shows what an expert would read of all rows. */
  private void show(int expert, int rows, float[] input, ExpertObserver observer) {
    int k = router.k();
    float[] x = workspace.take(Workspace.Use.EXPERT_INPUT, rows, k);
    System.arraycopy(input, 0, x, 0, rows * k);
    observer.inputs(expert, x, rows);
    observer.inner(expert, inner(experts.get(expert), x, rows), rows);
  }

  private float[] inner(Expert expert, float[] x, int rows) {
    float[] inner = workspace.take(Workspace.Use.EXPERT_INNER, rows, expert.inner().columns());
    expert.inner().apply(x, rows, FloatBuffer.wrap(inner));
    return inner;
  }

  private void add(
      int expert, int rows, float[] input, float[] weights, float[] sums, ExpertObserver observer) {
    int k = router.k();
    int[] chosen = Routing.rowsOf(expert, weights, rows, experts.size());
    if (chosen.length == 0) {
      return;
    }
    float[] x = workspace.take(Workspace.Use.EXPERT_INPUT, chosen.length, k);
    for (int i = 0; i < chosen.length; i++) {
      System.arraycopy(input, chosen[i] * k, x, i * k, k);
    }
    boolean shown = observer.shown(expert) == ExpertObserver.Shown.ROUTED;
    if (shown) {
      observer.inputs(expert, x, chosen.length);
    }
    Expert one = experts.get(expert);
    float[] inner = inner(one, x, chosen.length);
    if (shown) {
      observer.inner(expert, inner, chosen.length);
    }
    float[] out = workspace.take(Workspace.Use.EXPERT_OUTPUT, chosen.length, k);
    one.down().apply(inner, chosen.length, FloatBuffer.wrap(out));
    cores.rows(
        chosen.length,
        i -> {
          float weight = weights[chosen[i] * experts.size() + expert];
          int row = chosen[i] * k;
          for (int j = 0; j < k; j++) {
            sums[row + j] += weight * out[i * k + j];
          }
        });
  }

  private static void addRow(FloatBuffer to, float[] sums, int row, int k) {
    float[] old = new float[k];
    to.get(row * k, old);
    for (int i = 0; i < k; i++) {
      old[i] += sums[row * k + i];
    }
    to.put(row * k, old);
  }

  @Override
  public long bytes() {
    return memory.bytes();
  }

  @Override
  public String numerics() {
    return experts.get(0).inner().numerics();
  }

  @Override
  public void close() {
    memory.close();
  }
}
