package org.sparkao.gpu.train.cuda;

import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.layer.HeadShape;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.module.Launch;
import org.sparkao.gpu.tensor.CudaTensor;
import org.sparkao.gpu.tensor.Tensor;
import org.sparkao.gpu.train.Heads;
import org.sparkao.gpu.train.NormWeight;
import org.sparkao.gpu.train.Shapes;
import org.sparkao.gpu.train.TokenBatch;

/** The launcher of norms and rotation of heads in {@code src/main/cuda/train_attention}. */
final class CudaTrainingHeads {
  private static final String OP = "train_attention";
  private static final int HEADS_OF_BLOCK = 32;
  private static final int WIDE_HEADS_OF_BLOCK = 64;
  private static final int WIDE_STEP = 16;
  private static final int TOKENS_OF_PIECE = 32;
  private static final int QUERY_BIT = 4;
  private static final int KEY_BIT = 8;

  private final KernelLibrary library;
  private final Workspace workspace;
  private final Integers positions;

  CudaTrainingHeads(KernelLibrary library, Workspace workspace) {
    this.library = library;
    this.workspace = workspace;
    this.positions = new Integers(library.device(), workspace, Workspace.Slot.POSITIONS);
  }

  /** As {@code TrainingOperators} says. */
  void heads(Tensor raw, Heads heads, TokenBatch batch, Tensor qkv) {
    check(raw, heads, batch);
    turn("heads_", heads, batch, new Pair(raw, Shapes.same(raw, qkv)));
  }

  /** As {@code TrainingOperators} says. */
  void headsGradient(Tensor raw, Heads heads, TokenBatch batch, Tensor gradient) {
    check(raw, heads, batch);
    Shapes.same(raw, gradient);
    if (heads.norms().isEmpty()) {
      turn("heads_back_", heads, batch, new Pair(gradient, gradient));
      return;
    }
    int dimension = heads.shape().dimension();
    int pieces = TensorLaunch.ceilDiv(batch.tokens(), TOKENS_OF_PIECE);
    Buffer partial = workspace.get(Workspace.Slot.PARTS, 2L * Float.BYTES * pieces * dimension);
    Launch launch = launch("norm_gradient", heads, batch).grid(pieces, 2);
    arguments(launch, heads, batch, new Pair(raw, gradient), Optional.of(partial));
    add(heads.norms().get().query(), 0, partial, pieces);
    add(heads.norms().get().key(), 1, partial, pieces);
  }

  private static void check(Tensor raw, Heads heads, TokenBatch batch) {
    heads.check(batch);
    Shapes.require(raw, batch.tokens(), heads.shape().rowElements());
  }

  /** What is read, and what is written; one tensor where the work is in place. */
  private record Pair(CudaTensor from, CudaTensor to) {
    Pair(Tensor from, Tensor to) {
      this(CudaTensor.of(from), CudaTensor.of(to));
    }

    int types() {
      return TensorLaunch.type(from) + 2 * TensorLaunch.type(to);
    }

    boolean isAligned() {
      return TensorLaunch.isAligned(from) && TensorLaunch.isAligned(to);
    }
  }

  private void turn(String kernel, Heads heads, TokenBatch batch, Pair pair) {
    HeadShape shape = heads.shape();
    boolean wide =
        shape.dimension() % WIDE_STEP == 0
            && pair.isAligned()
            && heads.norms().stream().allMatch(CudaTrainingHeads::isAligned);
    long count = (long) batch.tokens() * shape.heads();
    Launch launch =
        launch(kernel + (wide ? 8 : 1), heads, batch)
            .grid(TensorLaunch.ceilDiv(count, wide ? WIDE_HEADS_OF_BLOCK : HEADS_OF_BLOCK));
    arguments(launch, heads, batch, pair, Optional.empty());
  }

  private static boolean isAligned(Heads.HeadNorms norms) {
    return TensorLaunch.isAligned(CudaTensor.of(norms.query().weight()))
        && TensorLaunch.isAligned(CudaTensor.of(norms.key().weight()));
  }

  private Launch launch(String kernel, Heads heads, TokenBatch batch) {
    return library
        .kernel(OP, OP + "_" + kernel)
        .launch(batch.tokens() + " tokens, " + heads.shape())
        .block(TensorLaunch.THREADS)
        .dependent();
  }

  private void arguments(
      Launch launch, Heads heads, TokenBatch batch, Pair pair, Optional<Buffer> partial) {
    Optional<NormWeight> query = heads.norms().map(Heads.HeadNorms::query);
    Optional<NormWeight> key = heads.norms().map(Heads.HeadNorms::key);
    launch.with(pair.from().buffer()).with(pair.to().buffer());
    int types = pair.types() + weight(launch, query, QUERY_BIT) + weight(launch, key, KEY_BIT);
    launch
        .with(positions.kept(batch.positions()))
        .with(heads.rotation().cosines())
        .with(heads.rotation().sines());
    if (partial.isPresent()) {
      launch.with(partial.get());
    } else {
      launch.withNull();
    }
    launch
        .with(types)
        .with(batch.tokens())
        .with(heads.shape().queryHeads())
        .with(heads.shape().keyHeads())
        .with(heads.shape().dimension())
        .with(query.map(NormWeight::epsilon).orElse(0f))
        .with(key.map(NormWeight::epsilon).orElse(0f))
        .run();
  }

  /** Adds the weight of a norm or null; returns its bit where it is bf16. */
  private static int weight(Launch launch, Optional<NormWeight> norm, int bit) {
    if (norm.isEmpty()) {
      launch.withNull();
      return 0;
    }
    CudaTensor weight = CudaTensor.of(norm.get().weight());
    launch.with(weight.buffer());
    return bit * TensorLaunch.type(weight);
  }

  /** Adds the sums of all pieces to the gradient of a norm's weight. */
  private void add(NormWeight norm, int which, Buffer partial, int pieces) {
    if (norm.gradient().isEmpty()) {
      return;
    }
    CudaTensor gradient = TensorLaunch.fp32("the gradient of a norm", norm.gradient().get());
    library
        .kernel(OP, OP + "_norm_sums")
        .launch(pieces + " pieces of " + gradient.columns())
        .grid(1)
        .block(TensorLaunch.THREADS)
        .dependent()
        .with(partial)
        .with(gradient.buffer())
        .with(pieces)
        .with(which)
        .with(gradient.columns())
        .run();
  }
}
