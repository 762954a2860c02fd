package org.sparkao.gpu.layer;

import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.module.Launch;

/** One block a row: {@code src/main/cuda/sample}. */
public final class CudaTokenSampler implements TokenSampler {
  private static final String OP = "sample";
  private static final int THREADS = 512;

  private final KernelLibrary library;

  /** On the device of a library. */
  public CudaTokenSampler(KernelLibrary library) {
    this.library = library;
  }

  @Override
  public void sample(LogSoftmax.Logits logits, Draw draw, Buffer next) {
    draw.check(logits, next);
    SamplingRule rule = draw.rule();
    Launch launch =
        library
            .kernel(OP, "sample_tokens")
            .launch(logits.rows() + "x" + logits.vocabulary())
            .grid(logits.rows())
            .block(THREADS)
            .dependent()
            .with(logits.values())
            .with(draw.rows());
    LayerKernels.add(launch, draw.forbidden());
    launch
        .with(next)
        .with(draw.seed())
        .with(rule.topPBits())
        .with(logits.vocabulary())
        .with(draw.forbiddenTokens())
        .with(rule.topK())
        .with(rule.exponentScale())
        .run();
  }
}
