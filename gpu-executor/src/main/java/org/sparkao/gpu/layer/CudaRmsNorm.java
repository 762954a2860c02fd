package org.sparkao.gpu.layer;

import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.module.Launch;

/** One block a row, which stays in registers. */
public final class CudaRmsNorm implements RmsNorm {
  private final KernelLibrary library;

  /** On the device of a library. */
  public CudaRmsNorm(KernelLibrary library) {
    this.library = library;
  }

  @Override
  public void norm(Buffer x, NormWeight weight, Buffer y, int rows) {
    weight.check("x", x, rows);
    weight.check("y", y, rows);
    launch("layer_rms_norm", weight, rows)
        .with(x)
        .with(weight.values())
        .with(y)
        .with(weight.columns())
        .with(weight.epsilon())
        .run();
  }

  @Override
  public void addAndNorm(Buffer x, Buffer residual, NormWeight weight, Buffer y, int rows) {
    weight.check("x", x, rows);
    weight.check("residual", residual, rows);
    weight.check("y", y, rows);
    launch("layer_add_rms_norm", weight, rows)
        .with(x)
        .with(residual)
        .with(weight.values())
        .with(y)
        .with(residual)
        .with(weight.columns())
        .with(weight.epsilon())
        .run();
  }

  private Launch launch(String kernel, NormWeight weight, int rows) {
    return library
        .kernel(LayerKernels.OP, kernel)
        .launch(rows + "x" + weight.columns())
        .grid(rows)
        .block(LayerKernels.rowThreads(weight.columns()))
        .dependent();
  }
}
