package org.sparkao.gpu.model.cuda;

import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.Device;
import org.sparkao.gpu.device.Taken;
import org.sparkao.gpu.layer.CudaEmbedding;
import org.sparkao.gpu.layer.CudaLogSoftmax;
import org.sparkao.gpu.layer.CudaTokenSampler;
import org.sparkao.gpu.layer.DecodeAttention;
import org.sparkao.gpu.layer.Embedding;
import org.sparkao.gpu.layer.HeadShape;
import org.sparkao.gpu.layer.KvCache;
import org.sparkao.gpu.layer.LogSoftmax;
import org.sparkao.gpu.layer.PrefillAttention;
import org.sparkao.gpu.layer.TokenSampler;
import org.sparkao.gpu.model.Arithmetic;
import org.sparkao.gpu.model.LinearWeight;
import org.sparkao.gpu.model.Mixture;
import org.sparkao.gpu.model.ModelOperators;
import org.sparkao.gpu.model.Projection;
import org.sparkao.gpu.model.ProjectionSpec;
import org.sparkao.gpu.model.StoredTensor;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.quant.QuantException;

/** Everything in fp32, to compare with; there are no caches. */
final class CudaFp32Operators implements ModelOperators {
  /** A new number whenever bits change. */
  private static final String VERSION = "CUDA fp32 operators 2";

  /** Two numbers of 2 bytes, as which rows are gathered. */
  private static final int HALVES = Float.BYTES / Short.BYTES;

  private final Fp32Parts parts;

  CudaFp32Operators(KernelLibrary library) {
    this.parts = Fp32Parts.of(library);
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
    return Arithmetic.FP32;
  }

  @Override
  public void reserve(int rows, int longest) {
    parts.scratch().reserve(rows);
  }

  @Override
  public Projection project(ProjectionSpec spec, List<LinearWeight> weights) {
    return Fp32Projection.load(parts, spec, weights);
  }

  @Override
  public Projection mixture(Mixture mixture) {
    return new Fp32Mixture(parts, mixture);
  }

  @Override
  public EmbeddingTable embedding(StoredTensor table) {
    int rows = Math.toIntExact(table.shape().get(0));
    int columns = Math.toIntExact(table.shape().get(1));
    try (Taken taken = new Taken()) {
      Buffer values = parts.upload(taken, HostNumbers.floats(table));
      return taken.keptBy(new Fp32Table(values, rows, columns));
    }
  }

  @Override
  public Projection tiedHead(ProjectionSpec spec, EmbeddingTable table) {
    return Fp32Projection.tied(parts, spec, (Fp32Table) table);
  }

  @Override
  public void embed(EmbeddingTable table, Buffer ids, int rows, Buffer hidden) {
    Fp32Table given = (Fp32Table) table;
    gather(given.values(), given.columns(), ids, rows, hidden);
  }

  @Override
  public void gather(Buffer x, int columns, Buffer indices, int rows, Buffer y) {
    int among = Math.toIntExact(x.bytes() / Float.BYTES / columns);
    new CudaEmbedding(parts.library())
        .gather(new Embedding.Table(x, among, HALVES * columns), indices, y, rows);
  }

  @Override
  public void prepareHeads(Buffer qkv, HeadShape shape, Places places, HeadSteps steps) {
    if (steps.cache().isPresent()) {
      throw new UnsupportedOperationException(CudaModelErrors.decodeInFp32());
    }
    parts.kernels().heads(qkv, shape, places, steps.norms(), steps.rotation());
  }

  @Override
  public void require(HeadShape shape) {
    int dimension = shape.dimension();
    if (dimension > Fp32Kernels.WIDEST || dimension % 2 != 0) {
      throw new QuantException(CudaModelErrors.headsInFp32(dimension));
    }
    int needed = Fp32Kernels.sharedBytes(Fp32Kernels.padded(dimension));
    int allowed = parts.device().sharedBytesOfBlock();
    if (needed > allowed) {
      throw new QuantException(CudaModelErrors.headsInFp32(dimension, needed, allowed));
    }
  }

  @Override
  public void attend(Buffer qkv, HeadShape shape, PrefillAttention.Batch batch, Buffer out) {
    parts.kernels().attend(qkv, shape, batch, out);
  }

  @Override
  public void attend(
      Buffer qkv, HeadShape shape, KvCache cache, DecodeAttention.Batch batch, Buffer out) {
    throw new UnsupportedOperationException(CudaModelErrors.decodeInFp32());
  }

  @Override
  public boolean keepsCaches() {
    return false;
  }

  @Override
  public KvCache cache(KvCache.Type type, HeadShape shape, int sequences, int capacity) {
    throw new UnsupportedOperationException(CudaModelErrors.decodeInFp32());
  }

  @Override
  public void release(KvCache cache) {
    throw new UnsupportedOperationException(CudaModelErrors.decodeInFp32());
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
  public void close() {
    parts.scratch().close();
  }
}
