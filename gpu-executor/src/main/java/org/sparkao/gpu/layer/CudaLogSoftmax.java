package org.sparkao.gpu.layer;

import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.module.Launch;

/** One block and one pass a row. */
public final class CudaLogSoftmax implements LogSoftmax {
  private static final int THREADS = 512;

  private final KernelLibrary library;

  /** On the device of a library. */
  public CudaLogSoftmax(KernelLibrary library) {
    this.library = library;
  }

  @Override
  public void gather(Logits logits, Buffer targets, Scores scores) {
    scores.check(targets, logits.rows());
    String kernel =
        logits.type() == Type.BF16 ? "layer_log_softmax_bf16" : "layer_log_softmax_fp32";
    Launch launch =
        library
            .kernel(LayerKernels.OP, kernel)
            .launch(logits.rows() + "x" + logits.vocabulary())
            .grid(logits.rows())
            .block(THREADS)
            .dependent()
            .with(logits.values())
            .with(targets)
            .with(scores.logProbabilities());
    LayerKernels.add(launch, scores.isGreedy());
    LayerKernels.add(launch, scores.greedy());
    launch.with(logits.vocabulary()).run();
  }
}
