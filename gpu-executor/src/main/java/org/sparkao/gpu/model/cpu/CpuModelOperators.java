package org.sparkao.gpu.model.cpu;

import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.device.Device;
import org.sparkao.gpu.layer.DecodeAttention;
import org.sparkao.gpu.layer.HeadShape;
import org.sparkao.gpu.layer.HostSequences;
import org.sparkao.gpu.layer.KvCache;
import org.sparkao.gpu.layer.LogSoftmax;
import org.sparkao.gpu.layer.PrefillAttention;
import org.sparkao.gpu.layer.ReferenceTokenSampler;
import org.sparkao.gpu.layer.TokenSampler;
import org.sparkao.gpu.model.Arithmetic;
import org.sparkao.gpu.model.LinearWeight;
import org.sparkao.gpu.model.Mixture;
import org.sparkao.gpu.model.ModelOperators;
import org.sparkao.gpu.model.Projection;
import org.sparkao.gpu.model.ProjectionSpec;
import org.sparkao.gpu.model.ProjectionSpec.After;
import org.sparkao.gpu.model.StoredTensor;

/**
 * Operators in fp32 on a {@link CpuDevice}, with the vector API. Weights are on the heap and count
 * in the device's budget; working memory, a few rows for each token of a pass, does not.
 */
public final class CpuModelOperators implements ModelOperators {
  /** A new number whenever bits change. */
  private static final String VERSION = "vector operators 1";

  private final CpuDevice device;
  private final Cores cores;
  private final Workspace workspace = new Workspace();
  private final Product product;

  /**
   * On the processor; the device stays the caller's.
   *
   * @param threads that work, the caller's among them; they do not change a bit
   */
  public CpuModelOperators(CpuDevice device, int threads) {
    this.device = device;
    this.cores = new Cores(threads);
    this.product = new Product(cores);
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
  public Arithmetic arithmetic() {
    return Arithmetic.FP32;
  }

  @Override
  public void reserve(int rows, int longest) {
    // Working memory is taken where it is needed.
  }

  @Override
  public long weightBytes(LinearWeight weight) {
    return MatrixLoader.bytes(weight);
  }

  @Override
  public Projection project(ProjectionSpec spec, List<LinearWeight> weights) {
    return held(
        weights,
        memory -> projection(Layers.load(weights, spec.after(), product, workspace), spec, memory));
  }

  private CpuProjection projection(Layers layers, ProjectionSpec spec, CpuDevice.Held memory) {
    return new CpuProjection(layers, norm(spec), cores, workspace, memory);
  }

  private static Optional<RowNorm> norm(ProjectionSpec spec) {
    return spec.norm().map(n -> new RowNorm(StoredFloats.all(n.weight()), n.epsilon()));
  }

  /** Counts the memory of weights before they are loaded. */
  private <T> T held(List<LinearWeight> weights, Function<CpuDevice.Held, T> load) {
    return held(weights.stream().mapToLong(this::weightBytes).sum(), load);
  }

  private <T> T held(long bytes, Function<CpuDevice.Held, T> load) {
    CpuDevice.Held memory = device.hold(bytes);
    try {
      return load.apply(memory);
    } catch (RuntimeException | OutOfMemoryError e) {
      memory.close();
      throw e;
    }
  }

  @Override
  public Projection mixture(Mixture mixture) {
    List<LinearWeight> all = new ArrayList<>(List.of(mixture.router()));
    mixture.experts().forEach(e -> all.addAll(List.of(e.gate(), e.up(), e.down())));
    return held(
        all,
        memory ->
            new CpuMixture(
                new CpuMixture.Matrices(
                    layers(After.NOTHING, mixture.router()),
                    mixture.experts().stream().map(this::expert).toList()),
                norm(mixture.spec()),
                new Routing(mixture.perToken(), mixture.weighting()),
                cores,
                workspace,
                memory));
  }

  private CpuMixture.Expert expert(Mixture.Expert expert) {
    return new CpuMixture.Expert(
        layers(After.SWIGLU, expert.gate(), expert.up()), layers(After.NOTHING, expert.down()));
  }

  private Layers layers(After after, LinearWeight... weights) {
    return Layers.load(List.of(weights), after, product, workspace);
  }

  @Override
  public EmbeddingTable embedding(StoredTensor table) {
    long bytes = Float.BYTES;
    for (long size : table.shape()) {
      bytes *= size;
    }
    return held(bytes, memory -> new CpuTable(MatrixLoader.table(table), memory));
  }

  @Override
  public Projection tiedHead(ProjectionSpec spec, EmbeddingTable table) {
    Panels panels = ((CpuTable) table).panels();
    return projection(Layers.of(panels, spec.after(), product, workspace), spec, device.hold(0));
  }

  @Override
  public void embed(EmbeddingTable table, Buffer ids, int rows, Buffer hidden) {
    CpuTable own = (CpuTable) table;
    IntBuffer wanted = CpuDevice.bytes(ids).asIntBuffer();
    FloatBuffer to = Workspace.floats(hidden);
    int columns = own.panels().k();
    cores.rows(
        rows,
        row -> {
          float[] one = new float[columns];
          own.read(wanted.get(row), one);
          to.put(row * columns, one);
        });
  }

  @Override
  public void gather(Buffer x, int columns, Buffer indices, int rows, Buffer y) {
    IntBuffer wanted = CpuDevice.bytes(indices).asIntBuffer();
    FloatBuffer from = Workspace.floats(x);
    FloatBuffer to = Workspace.floats(y);
    for (int row = 0; row < rows; row++) {
      to.put(row * columns, from, Math.multiplyExact(wanted.get(row), columns), columns);
    }
  }

  @Override
  public void prepareHeads(Buffer qkv, HeadShape shape, Places places, HeadSteps steps) {
    cores.rows(places.rows(), new CpuHeads(qkv, shape, places, steps)::prepare);
  }

  @Override
  public void attend(Buffer qkv, HeadShape shape, PrefillAttention.Batch batch, Buffer out) {
    float[] numbers =
        workspace.take(Workspace.Use.INPUT, batch.tokens() + Tile.ROWS, shape.rowElements());
    Workspace.floats(qkv).get(0, numbers, 0, batch.tokens() * shape.rowElements());
    HostSequences sequences = new HostSequences(batch);
    new CpuPrefillAttention(shape, numbers, sequences, Workspace.floats(out)).run(cores);
  }

  @Override
  public void attend(
      Buffer qkv, HeadShape shape, KvCache cache, DecodeAttention.Batch batch, Buffer out) {
    CpuDecodeAttention attention = new CpuDecodeAttention(qkv, shape, cache, batch, out);
    cores.run(batch.sequences() * shape.keyHeads(), (worker, piece) -> attention.attend(piece));
  }

  @Override
  public KvCache cache(KvCache.Type type, HeadShape shape, int sequences, int capacity) {
    return KvCache.take(device, type, shape, sequences, capacity);
  }

  @Override
  public void release(KvCache cache) {
    cache.release();
  }

  @Override
  public void score(Buffer logits, int rows, int vocabulary, Buffer targets, TokenScores scores) {
    CpuScores all = new CpuScores(logits, vocabulary, targets, scores);
    cores.run(rows, (worker, row) -> all.score(row));
  }

  @Override
  public void sample(Buffer logits, int rows, int vocabulary, TokenSampler.Draw draw, Buffer next) {
    ReferenceTokenSampler sampler = new ReferenceTokenSampler();
    LogSoftmax.Logits all = new LogSoftmax.Logits(logits, LogSoftmax.Type.FP32, rows, vocabulary);
    cores.run(rows, (worker, row) -> sampler.sample(row, all, draw, next));
  }

  @Override
  public void close() {
    cores.close();
  }
}
