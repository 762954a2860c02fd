package org.sparkao.gpu.model.cpu;

import java.util.Optional;

/** Weights in fp32. */
final class Fp32Matrix implements CpuMatrix {
  private final Product product;
  private final Panels panels;
  private final Optional<Bias> bias;
  private final Optional<ActivationRounding> rounding;
  private final String numerics;

  /**
   * Weights.
   *
   * @param rounding what becomes of x before
   */
  Fp32Matrix(
      Product product,
      Panels panels,
      Optional<Bias> bias,
      Optional<ActivationRounding> rounding,
      String numerics) {
    this.product = product;
    this.panels = panels;
    this.bias = bias;
    this.rounding = rounding;
    this.numerics = numerics;
  }

  @Override
  public int k() {
    return panels.k();
  }

  @Override
  public void multiply(float[] x, int rows, Product.Finish output) {
    rounding.ifPresent(r -> product.cores().rows(rows, row -> r.apply(x, row * k(), k())));
    product.run(panels, x, rows, bias.map(b -> b.before(output)).orElse(output));
  }

  @Override
  public long bytes() {
    return panels.bytes() + bias.map(Bias::bytes).orElse(0L);
  }

  @Override
  public String numerics() {
    return numerics;
  }
}
