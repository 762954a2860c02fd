package org.sparkao.gpu.train.cuda;

import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.module.Launch;
import org.sparkao.gpu.tensor.CudaTensor;
import org.sparkao.gpu.tensor.Tensor;
import org.sparkao.gpu.train.Shapes;
import org.sparkao.gpu.train.TrainingOperators.Distilling;

/** The launcher of {@code src/main/cuda/train_losses}: a block a row. */
final class CudaTrainingLosses {
  private static final String OP = "train_losses";
  private static final int THREADS = 512;

  /** Shared memory of a block for what it reads twice: two blocks fit on a multiprocessor. */
  private static final int FRONT_BYTES = 112 << 10;

  /** What every GPU allows a block; it decides no bit. */
  private static final int SMALL_FRONT_BYTES = 48 << 10;

  private final KernelLibrary library;
  private final Integers targets;

  CudaTrainingLosses(KernelLibrary library, Workspace workspace) {
    this.library = library;
    this.targets = new Integers(library.device(), workspace, Workspace.Slot.TARGETS);
  }

  /** As {@code TrainingOperators} says. */
  void crossEntropy(Tensor logits, int[] wanted, float weight, Tensor losses) {
    CudaTensor x = CudaTensor.of(logits);
    check(wanted, x);
    CudaTensor perRow = losses(x, losses);
    if (x.rows() == 0) {
      return;
    }
    int kept = kept(x, bytes(x));
    launch("cross_entropy", x, TensorLaunch.isAligned(x), kept * bytes(x))
        .with(x.buffer())
        .with(targets.copied(wanted))
        .with(weight)
        .with(perRow.buffer())
        .with(x.columns())
        .with(kept)
        .with(TensorLaunch.type(x))
        .run();
  }

  /** As {@code TrainingOperators} says. */
  void divergence(Tensor logits, Tensor teacher, int[] wanted, Distilling settings, Tensor losses) {
    CudaTensor x = CudaTensor.of(logits);
    check(wanted, x);
    CudaTensor right = CudaTensor.of(Shapes.same(logits, teacher));
    CudaTensor perRow = losses(x, losses);
    if (x.rows() == 0) {
      return;
    }
    int bytes = bytes(x) + bytes(right);
    int kept = kept(x, bytes);
    boolean aligned = TensorLaunch.isAligned(x) && TensorLaunch.isAligned(right);
    Launch launch =
        launch("divergence", x, aligned, kept * bytes).with(x.buffer()).with(right.buffer());
    boolean labelled = settings.labels() > 0;
    (labelled ? launch.with(targets.copied(wanted)) : launch.withNull())
        .with(settings.labels())
        .with(settings.temperature())
        .with(settings.weight())
        .with(perRow.buffer())
        .with(x.columns())
        .with(kept)
        .with(TensorLaunch.type(x) + 2 * TensorLaunch.type(right))
        .run();
  }

  private static void check(int[] wanted, CudaTensor x) {
    Shapes.equal("targets against logits", wanted.length, x.rows());
    for (int target : wanted) {
      Shapes.target(target, x);
    }
  }

  private static CudaTensor losses(CudaTensor x, Tensor losses) {
    return TensorLaunch.fp32("losses", Shapes.require(losses, x.rows(), 1));
  }

  private static int bytes(CudaTensor x) {
    return x.type().bytes();
  }

  /** Columns that stay in shared memory, at so many bytes each: whole eights. */
  private int kept(CudaTensor x, int bytes) {
    int eight = TensorLaunch.EIGHT;
    int front = library.hopper() ? FRONT_BYTES : SMALL_FRONT_BYTES;
    return eight * Math.min(TensorLaunch.ceilDiv(x.columns(), eight), front / bytes / eight);
  }

  private Launch launch(String kernel, CudaTensor x, boolean aligned, int shared) {
    boolean wide = aligned && x.columns() % TensorLaunch.EIGHT == 0;
    return library
        .kernel(OP, OP + "_" + kernel + (wide ? "_8" : "_1"))
        .launch(x.rows() + "x" + x.columns() + " " + x.type())
        .grid(x.rows())
        .block(THREADS)
        .sharedBytes(shared)
        .dependent();
  }
}
