package org.sparkao.gpu.model.cuda;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.model.LinearWeight;
import org.sparkao.gpu.model.StoredTensor;
import org.sparkao.gpu.quantize.ReferenceWeightDequantizer;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.Quantizers;
import org.sparkao.quant.algorithm.TensorQuantizer;
import org.sparkao.quant.algorithm.WeightAlgorithm;
import org.sparkao.quant.algorithm.WeightSpec;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.observe.TensorRange;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.Schemes;

/**
 * A linear layer with random weights, and the numbers that its stored form stands for: by quant-lib
 * and the reference of dequantization.
 *
 * @param values [n, k]
 * @param bias [n], zeros without
 */
record ProjectionCase(LinearWeight weight, float[] values, float[] bias) {
  private static final String PLAIN = "plain";
  static final float INPUT_SCALE = 0.0625f;

  /** {@code plain}, or a scheme. */
  static ProjectionCase of(String scheme, int n, int k, boolean biased, long seed) {
    Random random = new Random(seed);
    byte[] weights = normal(random, n * k, 1 / Math.sqrt(k));
    float[] bias = biased ? floats(normal(random, n, 0.5)) : new float[n];
    Optional<StoredTensor> stored =
        biased ? Optional.of(bf16("bias", List.of((long) n), bytes(bias))) : Optional.empty();
    if (scheme.equals(PLAIN)) {
      LinearWeight.Form form =
          new LinearWeight.Plain(bf16("weight", List.of((long) n, (long) k), weights));
      return new ProjectionCase(new LinearWeight("w", n, k, form, stored), floats(weights), bias);
    }
    QuantizeRequest request =
        new QuantizeRequest(
            Schemes.parse(scheme),
            CheckpointLayout.COMPRESSED_TENSORS,
            Numerics.COMPRESSED_TENSORS,
            WeightAlgorithm.RTN,
            new WeightSpec(n, k, DType.BF16));
    List<byte[]> parts = quantize(request, weights);
    List<StoredTensor> tensors = new ArrayList<>();
    for (int i = 0; i < parts.size(); i++) {
      byte[] part = parts.get(i);
      tensors.add(
          new StoredTensor(
              "part " + i,
              Quantizers.parts(request).get(i).dtype(),
              Quantizers.parts(request).get(i).shape(),
              () -> ByteBuffer.wrap(part)));
    }
    List<StoredTensor> inputs =
        scheme.equals("FP8")
            ? List.of(bf16("input_scale", List.of(1L), bytes(new float[] {INPUT_SCALE})))
            : List.of();
    LinearWeight.Form form = new LinearWeight.Quantized(request, tensors, inputs);
    return new ProjectionCase(
        new LinearWeight("w", n, k, form, stored), dequantize(request, parts), bias);
  }

  static StoredTensor bf16(String name, List<Long> shape, byte[] bytes) {
    return new StoredTensor(name, DType.BF16, shape, () -> ByteBuffer.wrap(bytes));
  }

  private static List<byte[]> quantize(QuantizeRequest request, byte[] weights) {
    Optional<TensorRange> range =
        request.scheme().needsTensorRange()
            ? Optional.of(Quantizers.range(weights, 0, weights.length / 2, DType.BF16))
            : Optional.empty();
    TensorQuantizer quantizer = Quantizers.create(request, range);
    byte[][] out =
        quantizer.parts().stream()
            .map(part -> new byte[Math.toIntExact(part.bytes())])
            .toArray(byte[][]::new);
    quantizer.quantize(weights, 0, 0, Math.toIntExact(request.weight().rows()), out);
    return List.of(out);
  }

  private static float[] dequantize(QuantizeRequest request, List<byte[]> parts) {
    try (CpuDevice cpu = CpuDevice.open()) {
      List<Buffer> buffers = new ArrayList<>();
      for (byte[] part : parts) {
        Buffer buffer = cpu.allocate(part.length);
        cpu.write(buffer, 0, ByteBuffer.wrap(part));
        buffers.add(buffer);
      }
      byte[] whole =
          new byte[Math.toIntExact(2 * request.weight().rows() * request.weight().columns())];
      Buffer out = cpu.allocate(whole.length);
      new ReferenceWeightDequantizer().dequantize(request, buffers, out);
      cpu.read(out, 0, ByteBuffer.wrap(whole));
      return floats(whole);
    }
  }

  /** Normal numbers as bf16. */
  static byte[] normal(Random random, int count, double deviation) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (deviation * random.nextGaussian());
    }
    return bytes(values);
  }

  /** Numbers rounded to bf16. */
  static byte[] bytes(float[] values) {
    byte[] bytes = new byte[Short.BYTES * values.length];
    for (int i = 0; i < values.length; i++) {
      WeightType.BF16.write(WeightType.BF16.round(values[i]), bytes, Short.BYTES * i);
    }
    return bytes;
  }

  static float[] floats(byte[] bf16) {
    float[] values = new float[bf16.length / Short.BYTES];
    for (int i = 0; i < values.length; i++) {
      values[i] = WeightType.BF16.read(bf16, Short.BYTES * i);
    }
    return values;
  }

  static float[] fp32(byte[] bytes) {
    float[] values = new float[bytes.length / Float.BYTES];
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
    return values;
  }

  /** x W^T + bias of one row, in double. */
  double[] product(double[] x) {
    double[] y = new double[weight.n()];
    for (int n = 0; n < y.length; n++) {
      y[n] = bias[n];
      for (int k = 0; k < x.length; k++) {
        y[n] += x[k] * values[n * x.length + k];
      }
    }
    return y;
  }
}
