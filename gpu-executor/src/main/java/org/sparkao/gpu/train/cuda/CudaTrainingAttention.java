package org.sparkao.gpu.train.cuda;

import java.util.Optional;
import java.util.Set;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.layer.HeadShape;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.module.Launch;
import org.sparkao.gpu.tensor.CudaTensor;
import org.sparkao.gpu.tensor.Tensor;
import org.sparkao.gpu.train.Shapes;
import org.sparkao.gpu.train.TokenBatch;
import org.sparkao.gpu.train.TrainingOperators.Attended;
import org.sparkao.gpu.train.TrainingOperators.AttendedHeads;
import org.sparkao.quant.format.WeightType;

/**
 * The launcher of attention in {@code src/main/cuda/train_attention}. On Hopper, heads of 64 or 128
 * elements whose numbers are all bf16 are multiplied by tensor cores, weights and gradients of
 * scores rounded to bf16; all others in fp32, whatever the type of their numbers.
 */
final class CudaTrainingAttention {
  private static final String OP = "train_attention";
  private static final Set<Integer> TENSOR_CORES = Set.of(64, 128);
  private static final int THREADS = 128;
  private static final int TILE = 64;
  private static final int PLAIN_THREADS = 256;
  private static final int PLAIN_ROWS = 32;

  private final KernelLibrary library;
  private final Workspace workspace;
  private final Integers boundaries;

  CudaTrainingAttention(KernelLibrary library, Workspace workspace) {
    this.library = library;
    this.workspace = workspace;
    this.boundaries = new Integers(library.device(), workspace, Workspace.Slot.BOUNDARIES);
  }

  /** What gradients need beside what attention read and left. */
  private record Gradients(CudaTensor dOut, CudaTensor dQkv, Buffer means) {}

  /** As {@code TrainingOperators} says. */
  void attend(AttendedHeads heads, Attended out) {
    Shapes.attended(heads, out);
    HeadShape shape = heads.shape();
    CudaTensor qkv = CudaTensor.of(heads.qkv());
    CudaTensor values = CudaTensor.of(out.values());
    if (isFast(shape, qkv, values)) {
      launch("forward_" + shape.dimension(), heads, TILE, shape.queryHeads())
          .block(THREADS)
          .sharedBytes(5 * tileBytes(shape))
          .with(qkv.buffer())
          .with(values.buffer())
          .with(sums(out))
          .with(boundaries.kept(heads.batch().boundaries()))
          .with(shape.queryHeads())
          .with(shape.keyHeads())
          .with(shape.scale())
          .run();
    } else {
      plain("forward", shape.queryHeads(), heads, out, Optional.empty());
    }
  }

  /** As {@code TrainingOperators} says. */
  void attendGradient(AttendedHeads heads, Attended out, Tensor dOut, Tensor dQkv) {
    Shapes.attended(heads, out);
    HeadShape shape = heads.shape();
    CudaTensor given = CudaTensor.of(Shapes.same(out.values(), dOut));
    CudaTensor gradient = CudaTensor.of(Shapes.same(heads.qkv(), dQkv));
    Buffer means =
        workspace.get(Workspace.Slot.MEANS, (long) Float.BYTES * out.logSums().elements());
    Gradients gradients = new Gradients(given, gradient, means);
    CudaTensor qkv = CudaTensor.of(heads.qkv());
    CudaTensor values = CudaTensor.of(out.values());
    if (isFast(shape, qkv, values, given, gradient)) {
      fastGradient("query", shape.queryHeads(), heads, out, gradients);
      fastGradient("key", shape.keyHeads(), heads, out, gradients);
    } else {
      plain("query_gradient", shape.queryHeads(), heads, out, Optional.of(gradients));
      plain("key_gradient", shape.keyHeads(), heads, out, Optional.of(gradients));
    }
  }

  private boolean isFast(HeadShape shape, CudaTensor... tensors) {
    for (CudaTensor tensor : tensors) {
      if (tensor.type() != WeightType.BF16 || !TensorLaunch.isAligned(tensor)) {
        return false;
      }
    }
    return library.hopper() && TENSOR_CORES.contains(shape.dimension());
  }

  /** A launch with a block for some rows of each sequence and each of some heads. */
  private Launch launch(String kernel, AttendedHeads heads, int rows, int headCount) {
    TokenBatch batch = heads.batch();
    return library
        .kernel(OP, OP + "_" + kernel)
        .launch(batch.tokens() + " tokens of " + batch.sequences() + " sequences, " + heads.shape())
        .grid(TensorLaunch.ceilDiv(batch.longest(), rows), headCount, batch.sequences())
        .dependent();
  }

  /** Bytes of a tile in shared memory. */
  private static int tileBytes(HeadShape shape) {
    return Short.BYTES * TILE * shape.dimension();
  }

  /** Four matrices of rows that are quads, and four weights a thread. */
  private static int plainBytes(HeadShape shape) {
    int pitch = 4 * TensorLaunch.ceilDiv(shape.dimension(), 4) + 4;
    return Float.BYTES * (4 * PLAIN_ROWS * pitch + 4 * PLAIN_THREADS);
  }

  private static Buffer sums(Attended out) {
    return TensorLaunch.fp32("log sums", out.logSums()).buffer();
  }

  private void fastGradient(
      String which, int headCount, AttendedHeads heads, Attended out, Gradients gradients) {
    HeadShape shape = heads.shape();
    launch(which + "_gradient_" + shape.dimension(), heads, TILE, headCount)
        .block(THREADS)
        .sharedBytes(6 * tileBytes(shape) + Float.BYTES * 4 * TILE)
        .with(CudaTensor.of(heads.qkv()).buffer())
        .with(CudaTensor.of(out.values()).buffer())
        .with(gradients.dOut().buffer())
        .with(sums(out))
        .with(gradients.means())
        .with(gradients.dQkv().buffer())
        .with(boundaries.kept(heads.batch().boundaries()))
        .with(shape.queryHeads())
        .with(shape.keyHeads())
        .with(shape.scale())
        .run();
  }

  private void plain(
      String which,
      int headCount,
      AttendedHeads heads,
      Attended out,
      Optional<Gradients> gradients) {
    HeadShape shape = heads.shape();
    CudaTensor qkv = CudaTensor.of(heads.qkv());
    CudaTensor values = CudaTensor.of(out.values());
    int dimension = shape.dimension();
    Launch launch =
        launch("plain_" + which, heads, PLAIN_ROWS, headCount)
            .block(PLAIN_THREADS)
            .sharedBytes(plainBytes(shape))
            .with(qkv.buffer())
            .with(values.buffer())
            .with(sums(out));
    int types = TensorLaunch.type(qkv) + 2 * TensorLaunch.type(values);
    if (gradients.isPresent()) {
      CudaTensor dOut = gradients.get().dOut();
      CudaTensor dQkv = gradients.get().dQkv();
      launch.with(dOut.buffer()).with(dQkv.buffer()).with(gradients.get().means());
      types += 4 * TensorLaunch.type(dOut) + 8 * TensorLaunch.type(dQkv);
    } else {
      launch.withNull().withNull().withNull();
    }
    launch
        .with(boundaries.kept(heads.batch().boundaries()))
        .with(types)
        .with(shape.queryHeads())
        .with(shape.keyHeads())
        .with(dimension)
        .with(shape.scale())
        .run();
  }
}
