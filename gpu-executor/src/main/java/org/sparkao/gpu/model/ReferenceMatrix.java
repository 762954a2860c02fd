package org.sparkao.gpu.model;

import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.Device;

/** The weight [N, K] of a linear layer, with its bias [N], in the numbers of an arithmetic. */
final class ReferenceMatrix implements AutoCloseable {
  private final int n;
  private final int k;
  private final Buffer values;
  private final Optional<Buffer> bias;
  private final Arithmetic arithmetic;
  private final Form form;

  /** What the numbers are, and what becomes of x. */
  private record Form(
      Arithmetic values, ReferenceActivations activations, boolean rounded, String numerics) {
    static Form of(LinearWeight weight, Arithmetic arithmetic) {
      if (weight.form() instanceof LinearWeight.Quantized quantized) {
        ExecutionForm form = ExecutionForm.of(quantized.request().scheme());
        // Products of codes keep the type of the scales; what is dequantized is in the arithmetic.
        return new Form(
            form.quantized() ? Arithmetic.FP32 : arithmetic,
            ReferenceActivations.of(form.activations(), quantized, arithmetic),
            !form.sumsIntegers(),
            form.sentence());
      }
      return unquantized(arithmetic);
    }

    static Form unquantized(Arithmetic arithmetic) {
      String name = arithmetic == Arithmetic.FP32 ? "fp32" : "bf16";
      return new Form(
          arithmetic, ReferenceActivations.unquantized(), true, name + " weights, sums in fp64");
    }
  }

  private ReferenceMatrix(
      int n, int k, Buffer values, Optional<Buffer> bias, Arithmetic arithmetic, Form form) {
    this.n = n;
    this.k = k;
    this.values = values;
    this.bias = bias;
    this.arithmetic = arithmetic;
    this.form = form;
  }

  static ReferenceMatrix load(Device device, LinearWeight weight, Arithmetic arithmetic) {
    Form form = Form.of(weight, arithmetic);
    long bytes = (long) form.values().bytes() * weight.n() * weight.k();
    Buffer values = device.allocate(bytes);
    ReferenceNumbers numbers = new ReferenceNumbers(values, form.values());
    HostDequantizer stored = HostDequantizer.of(weight);
    float[] row = new float[weight.k()];
    for (int i = 0; i < weight.n(); i++) {
      if (form.rounded()) {
        stored.floats(i, 1, row, 0);
      } else {
        stored.unrounded(i, 1, row, 0);
      }
      for (int j = 0; j < row.length; j++) {
        numbers.put((long) i * row.length + j, row[j]);
      }
    }
    Optional<Buffer> bias =
        weight.bias().map(added -> TensorValues.load(device, added, arithmetic));
    return new ReferenceMatrix(weight.n(), weight.k(), values, bias, arithmetic, form);
  }

  /** One that lies on the device already, without bias. */
  static ReferenceMatrix of(int n, int k, Buffer values, Arithmetic arithmetic) {
    return new ReferenceMatrix(
        n, k, values, Optional.empty(), arithmetic, Form.unquantized(arithmetic));
  }

  int n() {
    return n;
  }

  int k() {
    return k;
  }

  long bytes() {
    return values.bytes() + bias.map(Buffer::bytes).orElse(0L);
  }

  /** As {@link Projection#numerics}. */
  String numerics() {
    return form.numerics();
  }

  /**
   * W x + bias of some rows, not rounded.
   *
   * @param x [rows][K]
   * @return [rows][N]
   */
  double[][] times(float[][] x) {
    ReferenceNumbers all = new ReferenceNumbers(values, form.values());
    float[][] inputs = new float[x.length][];
    for (int r = 0; r < x.length; r++) {
      inputs[r] = form.activations().quantized(x[r]);
    }
    double[][] y = new double[x.length][n];
    float[] row = new float[k];
    for (int i = 0; i < n; i++) {
      all.read((long) i * k, row);
      double added = bias(i);
      for (int r = 0; r < x.length; r++) {
        y[r][i] = dot(row, inputs[r]) + added;
      }
    }
    return y;
  }

  private double bias(int row) {
    return bias.map(b -> (double) new ReferenceNumbers(b, arithmetic).get(row)).orElse(0.0);
  }

  /** Four sums, so that a processor need not wait for each addition. */
  private static double dot(float[] a, float[] b) {
    double first = 0;
    double second = 0;
    double third = 0;
    double fourth = 0;
    int i = 0;
    for (; i + 3 < a.length; i += 4) {
      first += (double) a[i] * b[i];
      second += (double) a[i + 1] * b[i + 1];
      third += (double) a[i + 2] * b[i + 2];
      fourth += (double) a[i + 3] * b[i + 3];
    }
    for (; i < a.length; i++) {
      first += (double) a[i] * b[i];
    }
    return first + second + (third + fourth);
  }

  @Override
  public void close() {
    values.close();
    bias.ifPresent(Buffer::close);
  }
}
