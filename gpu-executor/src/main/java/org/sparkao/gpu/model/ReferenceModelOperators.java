package org.sparkao.gpu.model;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.device.Device;
import org.sparkao.gpu.layer.DecodeAttention;
import org.sparkao.gpu.layer.HeadShape;
import org.sparkao.gpu.layer.KvCache;
import org.sparkao.gpu.layer.LogSoftmax;
import org.sparkao.gpu.layer.PrefillAttention;
import org.sparkao.gpu.layer.ReferenceLogSoftmax;
import org.sparkao.gpu.layer.ReferenceTokenSampler;
import org.sparkao.gpu.layer.TokenSampler;

/**
 * Plain loops with sums in double: what every other implementation is compared with. Any shape;
 * quantized weights are dequantized when they are loaded. Slow.
 */
public final class ReferenceModelOperators implements ModelOperators {
  /** A new number whenever bits change. */
  private static final String VERSION = "reference operators 2";

  private final CpuDevice device;
  private final Arithmetic arithmetic;

  /** On the processor; the device stays the caller's. */
  public ReferenceModelOperators(CpuDevice device, Arithmetic arithmetic) {
    this.device = device;
    this.arithmetic = arithmetic;
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
    return arithmetic;
  }

  @Override
  public void reserve(int rows, int longest) {
    // Working memory is taken where it is needed.
  }

  @Override
  public Projection project(ProjectionSpec spec, List<LinearWeight> weights) {
    List<ReferenceMatrix> matrices = weights.stream().map(this::matrix).toList();
    return new ReferenceProjection(
        spec, matrices, arithmetic, () -> matrices.forEach(ReferenceMatrix::close));
  }

  @Override
  public Projection mixture(Mixture mixture) {
    List<ReferenceMixture.Expert> experts =
        mixture.experts().stream()
            .map(
                e ->
                    new ReferenceMixture.Expert(matrix(e.gate()), matrix(e.up()), matrix(e.down())))
            .toList();
    return new ReferenceMixture(mixture, matrix(mixture.router()), experts, arithmetic);
  }

  private ReferenceMatrix matrix(LinearWeight weight) {
    return ReferenceMatrix.load(device, weight, arithmetic);
  }

  @Override
  public EmbeddingTable embedding(StoredTensor table) {
    int vocabulary = Math.toIntExact(table.shape().get(0));
    int hidden = Math.toIntExact(table.shape().get(1));
    return new Table(vocabulary, hidden, TensorValues.load(device, table, arithmetic));
  }

  private record Table(int vocabulary, int hidden, Buffer values) implements EmbeddingTable {
    @Override
    public long bytes() {
      return values.bytes();
    }

    @Override
    public void close() {
      values.close();
    }
  }

  @Override
  public Projection tiedHead(ProjectionSpec spec, EmbeddingTable table) {
    Table own = (Table) table;
    ReferenceMatrix matrix =
        ReferenceMatrix.of(own.vocabulary(), own.hidden(), own.values(), arithmetic);
    return new ReferenceProjection(spec, List.of(matrix), arithmetic, () -> {});
  }

  @Override
  public void embed(EmbeddingTable table, Buffer ids, int rows, Buffer hidden) {
    Table own = (Table) table;
    copyRows(own.values(), own.hidden(), ids, rows, hidden);
  }

  @Override
  public void gather(Buffer x, int columns, Buffer indices, int rows, Buffer y) {
    copyRows(x, columns, indices, rows, y);
  }

  private void copyRows(Buffer from, int columns, Buffer indices, int rows, Buffer to) {
    int rowBytes = columns * arithmetic.bytes();
    ByteBuffer source = CpuDevice.bytes(from);
    ByteBuffer wanted = CpuDevice.bytes(indices);
    ByteBuffer target = CpuDevice.bytes(to);
    for (int row = 0; row < rows; row++) {
      int index = wanted.getInt(Integer.BYTES * row);
      target.put(source.slice(Math.multiplyExact(index, rowBytes), rowBytes));
    }
  }

  @Override
  public void prepareHeads(Buffer qkv, HeadShape shape, Places places, HeadSteps steps) {
    new ReferenceHeads(qkv, shape, arithmetic).prepare(places, steps);
  }

  @Override
  public void attend(Buffer qkv, HeadShape shape, PrefillAttention.Batch batch, Buffer out) {
    new ReferenceHeads(qkv, shape, arithmetic).attend(batch, out);
  }

  @Override
  public void attend(
      Buffer qkv, HeadShape shape, KvCache cache, DecodeAttention.Batch batch, Buffer out) {
    new ReferenceHeads(qkv, shape, arithmetic).attend(cache, batch, out);
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
    new ReferenceLogSoftmax()
        .gather(
            new LogSoftmax.Logits(logits, LogSoftmax.Type.FP32, rows, vocabulary),
            targets,
            new LogSoftmax.Scores(
                scores.logProbabilities(), Optional.empty(), Optional.of(scores.greedy())));
  }

  @Override
  public void sample(Buffer logits, int rows, int vocabulary, TokenSampler.Draw draw, Buffer next) {
    new ReferenceTokenSampler()
        .sample(new LogSoftmax.Logits(logits, LogSoftmax.Type.FP32, rows, vocabulary), draw, next);
  }

  @Override
  public void close() {
    // Nothing was taken.
  }
}
