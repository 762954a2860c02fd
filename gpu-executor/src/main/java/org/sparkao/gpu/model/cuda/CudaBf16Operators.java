package org.sparkao.gpu.model.cuda;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.Device;
import org.sparkao.gpu.layer.CudaDecodeAttention;
import org.sparkao.gpu.layer.CudaEmbedding;
import org.sparkao.gpu.layer.CudaHeadPreparation;
import org.sparkao.gpu.layer.CudaLogSoftmax;
import org.sparkao.gpu.layer.CudaPrefillAttention;
import org.sparkao.gpu.layer.CudaTokenSampler;
import org.sparkao.gpu.layer.DecodeAttention;
import org.sparkao.gpu.layer.Embedding;
import org.sparkao.gpu.layer.HeadPreparation;
import org.sparkao.gpu.layer.HeadShape;
import org.sparkao.gpu.layer.KvCache;
import org.sparkao.gpu.layer.LogSoftmax;
import org.sparkao.gpu.layer.PrefillAttention;
import org.sparkao.gpu.layer.TokenSampler;
import org.sparkao.gpu.model.Arithmetic;
import org.sparkao.gpu.model.DecodeStep;
import org.sparkao.gpu.model.LinearWeight;
import org.sparkao.gpu.model.Mixture;
import org.sparkao.gpu.model.ModelOperators;
import org.sparkao.gpu.model.Projection;
import org.sparkao.gpu.model.ProjectionSpec;
import org.sparkao.gpu.model.StoredTensor;
import org.sparkao.gpu.model.cuda.Scratch.Slot;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.quant.QuantException;

/** Hidden states in bf16; weights in the form of the checkpoint where there are kernels for it. */
final class CudaBf16Operators implements ModelOperators {
  /** A new number whenever bits change. */
  private static final String VERSION = "CUDA bf16 operators 3";

  /** Elements of heads that there are kernels for. */
  private static final Set<Integer> HEADS = new TreeSet<>(List.of(64, 80, 96, 128, 256));

  private final CudaParts parts;
  private final CudaModelOptions options;
  private final CudaHeads heads;
  private final HeadPreparation preparation;
  private final PrefillAttention prefill;
  private final DecodeAttention decode;

  CudaBf16Operators(KernelLibrary library, CudaModelOptions options) {
    this.parts = CudaParts.of(library);
    this.options = options;
    this.heads = new CudaHeads(parts, options);
    this.preparation = new CudaHeadPreparation(library);
    this.prefill = new CudaPrefillAttention(library);
    this.decode = new CudaDecodeAttention(library);
  }

  @Override
  public Device device() {
    return parts.device();
  }

  @Override
  public String version() {
    return VERSION;
  }

  @Override
  public Arithmetic arithmetic() {
    return Arithmetic.BF16;
  }

  @Override
  public void reserve(int rows, int longest) {
    parts.scratch().reserve(rows);
  }

  @Override
  public Projection project(ProjectionSpec spec, List<LinearWeight> weights) {
    return heads.changes(spec, weights)
        ? heads.load(spec, weights.get(0))
        : CudaProjection.load(parts, spec, weights);
  }

  @Override
  public Projection mixture(Mixture mixture) {
    return new CudaMixture(parts, mixture);
  }

  @Override
  public EmbeddingTable embedding(StoredTensor table) {
    return CudaTable.load(parts, table, options.embedding());
  }

  @Override
  public Projection tiedHead(ProjectionSpec spec, EmbeddingTable table) {
    return heads.tied(spec, (CudaTable) table);
  }

  @Override
  public void embed(EmbeddingTable table, Buffer ids, int rows, Buffer hidden) {
    ((CudaTable) table).gather(parts, ids, rows, hidden);
  }

  @Override
  public void gather(Buffer x, int columns, Buffer indices, int rows, Buffer y) {
    int among = Math.toIntExact(x.bytes() / Short.BYTES / columns);
    new CudaEmbedding(parts.library())
        .gather(new Embedding.Table(x, among, columns), indices, y, rows);
  }

  @Override
  public void prepareHeads(Buffer qkv, HeadShape shape, Places places, HeadSteps steps) {
    preparation.prepare(
        qkv,
        shape,
        new HeadPreparation.Places(places.positions(), places.sequences(), places.rows()),
        new HeadPreparation.Steps(
            steps.norms().map(n -> new HeadPreparation.Norms(n.query(), n.key(), n.epsilon())),
            Optional.of(
                new HeadPreparation.Rotation(steps.rotation().cosines(), steps.rotation().sines())),
            steps.cache()));
  }

  @Override
  public void require(HeadShape shape) {
    if (!HEADS.contains(shape.dimension())) {
      throw new QuantException(CudaModelErrors.heads(shape.dimension(), HEADS));
    }
  }

  @Override
  public void attend(Buffer qkv, HeadShape shape, PrefillAttention.Batch batch, Buffer out) {
    prefill.attend(qkv, shape, batch, out);
  }

  @Override
  public void attend(
      Buffer qkv, HeadShape shape, KvCache cache, DecodeAttention.Batch batch, Buffer out) {
    Buffer workspace = parts.scratch().get(Slot.ATTENTION);
    decode.attend(qkv, shape, cache, batch, new DecodeAttention.Output(out, workspace));
  }

  @Override
  public KvCache cache(KvCache.Type type, HeadShape shape, int sequences, int capacity) {
    if (type == KvCache.Type.FP32) {
      throw new IllegalArgumentException(CudaModelErrors.cacheInFp32());
    }
    KvCache cache = KvCache.take(device(), type, shape, sequences, capacity);
    try {
      parts.scratch().needInAll(Slot.ATTENTION, workspaceBytes(type, shape, sequences, capacity));
      return cache;
    } catch (RuntimeException e) {
      cache.release();
      throw e;
    }
  }

  /** Of the largest step over a cache. */
  private long workspaceBytes(KvCache.Type type, HeadShape shape, int sequences, int capacity) {
    try (Buffer lengths = device().allocate((long) Integer.BYTES * sequences)) {
      DecodeAttention.Batch largest = new DecodeAttention.Batch(lengths, sequences, capacity);
      return decode.workspaceBytes(shape, type, largest);
    }
  }

  @Override
  public void release(KvCache cache) {
    cache.release();
  }

  @Override
  public void score(Buffer logits, int rows, int vocabulary, Buffer targets, TokenScores scores) {
    new CudaLogSoftmax(parts.library())
        .gather(
            new LogSoftmax.Logits(logits, LogSoftmax.Type.FP32, rows, vocabulary),
            targets,
            new LogSoftmax.Scores(
                scores.logProbabilities(), Optional.empty(), Optional.of(scores.greedy())));
  }

  @Override
  public void sample(Buffer logits, int rows, int vocabulary, TokenSampler.Draw draw, Buffer next) {
    new CudaTokenSampler(parts.library())
        .sample(new LogSoftmax.Logits(logits, LogSoftmax.Type.FP32, rows, vocabulary), draw, next);
  }

  @Override
  public long stepBytes(KvCache.Type type, HeadShape shape, int capacity) {
    return workspaceBytes(type, shape, 1, capacity);
  }

  @Override
  public DecodeStep decodeStep(Runnable launches) {
    return new CapturedStep(parts.device(), launches);
  }

  @Override
  public long weightBytes(LinearWeight weight) {
    return LinearForms.bytes(weight);
  }

  @Override
  public void close() {
    parts.scratch().close();
  }
}
