package org.sparkao.gpu.model.cpu;

import java.util.Optional;
import org.sparkao.gpu.model.ExecutionForm;

/** Weights in fp32; x is rounded to the numbers of its codes where it is quantized. */
final class Fp32Matrix implements CpuMatrix {
  private final Product product;
  private final Panels panels;
  private final Optional<Bias> bias;
  private final CpuActivations activations;
  private final String numerics;

  Fp32Matrix(
      Product product,
      Panels panels,
      Optional<Bias> bias,
      CpuActivations activations,
      String numerics) {
    this.product = product;
    this.panels = panels;
    this.bias = bias;
    this.activations = activations;
    this.numerics = numerics;
  }

  @Override
  public int k() {
    return panels.k();
  }

  @Override
  public void multiply(float[] x, int rows, Product.Finish output) {
    if (activations.form() != ExecutionForm.Activations.UNQUANTIZED) {
      product.cores().rows(rows, row -> activations.round(x, row * k(), k()));
    }
    product.run(panels, x, rows, Product.Sums.FP32, bias.map(b -> b.before(output)).orElse(output));
  }

  @Override
  public String numerics() {
    return numerics;
  }
}
