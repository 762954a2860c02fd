package org.sparkao.gpu.layer;

import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.gemm.Gemm;
import org.sparkao.gpu.gemm.GemmWeights;
import org.sparkao.gpu.gemm.WeightMatrix;
import org.sparkao.gpu.quantize.ActivationQuantizer.NormWeight;
import org.sparkao.gpu.quantize.ActivationQuantizer.QuantizedRows;
import org.sparkao.quant.format.NumberFormats;
import org.sparkao.quant.format.Overflow;

/** Random weights and rows of a layer, which every device of a test gets a copy of. */
final class AttentionCase {
  static final float EPSILON = 1e-5f;
  private static final double BASE = 10000;
  private static final double CODE_DEVIATION = 16;

  final AttentionShape shape;
  final int[] lengths;
  final int capacity;
  final float[] x;
  final float[] inputNorm;
  final float[] nextNorm;
  final Matrix qkv;
  final Matrix output;
  final float[] cosines;
  final float[] sines;

  /** A projection, as a checkpoint has it. */
  record Matrix(int k, byte[] codes, float[] scales) {
    /** Random numbers that keep the deviation of what they are multiplied with, times a gain. */
    static Matrix random(Gemm gemm, double gain, long seed) {
      Random random = new Random(seed);
      byte[] codes = new byte[gemm.n() * gemm.k()];
      for (int i = 0; i < codes.length; i++) {
        float number = (float) (CODE_DEVIATION * random.nextGaussian());
        codes[i] = (byte) NumberFormats.E4M3FN.encode(number, Overflow.SATURATE);
      }
      float[] scales = new float[gemm.n()];
      for (int i = 0; i < scales.length; i++) {
        double unit = gain / CODE_DEVIATION / Math.sqrt(gemm.k());
        scales[i] = (float) (unit * (0.5 + random.nextDouble()));
      }
      return new Matrix(gemm.k(), codes, scales);
    }

    /** The product with a column. */
    double[] times(double[] column) {
      double[] y = new double[scales.length];
      for (int i = 0; i < y.length; i++) {
        for (int j = 0; j < k; j++) {
          y[i] += NumberFormats.E4M3FN.decode(codes[i * k + j]) * column[j];
        }
        y[i] *= scales[i];
      }
      return y;
    }
  }

  /** What comes out of a layer. */
  record Result(float[] y, byte[] codes, float[] scales) {
    /** What attention has added to x. */
    static double[] added(float[] y, float[] x) {
      double[] difference = new double[y.length];
      Arrays.setAll(difference, i -> (double) y[i] - x[i]);
      return difference;
    }
  }

  AttentionCase(AttentionShape shape, int capacity, int... lengths) {
    this.shape = shape;
    this.lengths = lengths;
    this.capacity = capacity;
    this.x = CaseDevice.normal((long) lengths.length * shape.hidden(), 41);
    this.inputNorm = norm(shape.hidden(), 42);
    this.nextNorm = norm(shape.hidden(), 43);
    this.qkv = Matrix.random(shape.qkv(), 1, 44);
    this.output = Matrix.random(shape.output(), 8, 45);
    int half = shape.heads().dimension() / 2;
    this.cosines = new float[capacity * half];
    this.sines = new float[capacity * half];
    for (int i = 0; i < cosines.length; i++) {
      double angle = i / half * Math.pow(BASE, -(double) (i % half) / half);
      cosines[i] = (float) Math.cos(angle);
      sines[i] = (float) Math.sin(angle);
    }
  }

  private static float[] norm(int columns, long seed) {
    float[] values = CaseDevice.normal(columns, seed);
    for (int i = 0; i < columns; i++) {
      values[i] = Bf16Array.round(1 + 0.2 * values[i]);
    }
    return values;
  }

  /** Some rows on a device, with the caches of their sequences. */
  OnDevice on(CaseDevice device, LayerOperators operators, KvCache cache, int first) {
    return new OnDevice(device, operators, cache, first);
  }

  /** The layer on a device; the device frees everything else. */
  final class OnDevice implements AutoCloseable {
    private final CaseDevice device;
    private final LayerOperators operators;
    private final AttentionLayer layer;
    private final AttentionWeights weights;
    private final AttentionCall call;

    private OnDevice(CaseDevice device, LayerOperators operators, KvCache cache, int first) {
      this.device = device;
      this.operators = operators;
      int rows = cache.sequences();
      int[] chosen = Arrays.copyOfRange(lengths, first, first + rows);
      int[] positions = Arrays.stream(chosen).map(length -> length - 1).toArray();
      this.layer =
          new AttentionLayer(
              operators, new AttentionLayer.Size(shape, cache.type(), rows, capacity));
      this.weights =
          new AttentionWeights(
              new NormWeight(device.bf16(inputNorm), EPSILON),
              prepare(shape.qkv(), qkv),
              prepare(shape.output(), output),
              new NormWeight(device.bf16(nextNorm), EPSILON));
      int hidden = shape.hidden();
      this.call =
          new AttentionCall(
              device.bf16(Arrays.copyOfRange(x, first * hidden, (first + rows) * hidden)),
              device.emptyBf16((long) rows * hidden),
              new QuantizedRows(
                  device.empty((long) rows * hidden), device.empty((long) rows * Float.BYTES)),
              new AttentionCall.Context(
                  device.ints(positions),
                  new DecodeAttention.Batch(device.ints(chosen), rows, capacity),
                  cache,
                  new HeadPreparation.Rotation(device.floats(cosines), device.floats(sines))));
    }

    private GemmWeights prepare(Gemm gemm, Matrix matrix) {
      Buffer codes = device.bytes(matrix.codes);
      Buffer scales = device.floats(matrix.scales);
      return operators
          .gemm()
          .prepare(
              gemm,
              new WeightMatrix(codes, Optional.of(scales), Optional.empty(), Optional.empty()));
    }

    OnDevice run() {
      layer.run(weights, call);
      return this;
    }

    /** Runs it in a layer of other sizes. */
    void runIn(AttentionShape other, KvCache.Type type, int rows) {
      try (AttentionLayer refusing =
          new AttentionLayer(operators, new AttentionLayer.Size(other, type, rows, capacity))) {
        refusing.run(weights, call);
      }
    }

    /** With the results of runs before made unreadable. */
    OnDevice poison() {
      for (Buffer buffer : new Buffer[] {call.y(), call.next().codes(), call.next().scales()}) {
        device.poison(buffer);
      }
      return this;
    }

    Result result() {
      return new Result(
          device.readBf16(call.y()),
          device.readBytes(call.next().codes()),
          device.readFloats(call.next().scales()));
    }

    @Override
    public void close() {
      weights.close();
      layer.close();
    }
  }
}
