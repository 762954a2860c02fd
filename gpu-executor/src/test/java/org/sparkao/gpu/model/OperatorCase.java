package org.sparkao.gpu.model;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.Quantizers;
import org.sparkao.quant.algorithm.WeightAlgorithm;
import org.sparkao.quant.algorithm.WeightSpec;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.observe.TensorRange;
import org.sparkao.quant.pack.PackedPart;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.Schemes;

/** Random numbers that a test gives to two implementations of the operators. */
final class OperatorCase {
  private final Random random;

  OperatorCase(long seed) {
    this.random = new Random(seed);
  }

  /** Normally distributed. */
  float[] numbers(int count, double deviation) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (deviation * random.nextGaussian());
    }
    return values;
  }

  /** A weight in BF16, so that every arithmetic holds it as it is. */
  LinearWeight weight(String name, int n, int k, boolean withBias) {
    StoredTensor values = tensor(name + ".weight", numbers(n * k, 1 / Math.sqrt(k)), n, k);
    return new LinearWeight(
        name,
        n,
        k,
        new LinearWeight.Plain(values),
        withBias ? Optional.of(tensor(name + ".bias", numbers(n, 1), n)) : Optional.empty());
  }

  /** The same weight, quantized to nearest. */
  static LinearWeight quantized(String scheme, LinearWeight plain) {
    QuantizeRequest request =
        new QuantizeRequest(
            Schemes.parse(scheme),
            CheckpointLayout.COMPRESSED_TENSORS,
            Numerics.COMPRESSED_TENSORS,
            WeightAlgorithm.RTN,
            new WeightSpec(plain.n(), plain.k(), DType.BF16));
    byte[] source = ((LinearWeight.Plain) plain.form()).values().bytes().get().array();
    List<PackedPart> specs = Quantizers.parts(request);
    byte[][] parts =
        specs.stream().map(part -> new byte[(int) part.bytes()]).toArray(byte[][]::new);
    Optional<TensorRange> range =
        Optional.of(Quantizers.range(source, 0, source.length / Short.BYTES, DType.BF16));
    Quantizers.create(request, range).quantize(source, 0, 0, plain.n(), parts);
    List<StoredTensor> stored = new ArrayList<>();
    for (int i = 0; i < parts.length; i++) {
      byte[] bytes = parts[i];
      stored.add(
          new StoredTensor(
              plain.name() + "." + specs.get(i).suffix(),
              specs.get(i).dtype(),
              specs.get(i).shape(),
              () -> ByteBuffer.wrap(bytes.clone()).order(ByteOrder.LITTLE_ENDIAN)));
    }
    return new LinearWeight(
        plain.name(),
        plain.n(),
        plain.k(),
        new LinearWeight.Quantized(request, stored, List.of()),
        plain.bias());
  }

  ProjectionSpec.Norm norm(int k) {
    float[] weight = numbers(k, 0.2);
    for (int i = 0; i < k; i++) {
      weight[i]++;
    }
    return new ProjectionSpec.Norm(tensor("norm.weight", weight, k), 1e-5f);
  }

  /** BF16. */
  StoredTensor tensor(String name, float[] values, long... shape) {
    byte[] bytes = new byte[2 * values.length];
    for (int i = 0; i < values.length; i++) {
      WeightType.BF16.write(WeightType.BF16.round(values[i]), bytes, 2 * i);
    }
    List<Long> sizes = Arrays.stream(shape).boxed().toList();
    return new StoredTensor(
        name,
        DType.BF16,
        sizes,
        () -> ByteBuffer.wrap(bytes.clone()).order(ByteOrder.LITTLE_ENDIAN));
  }

  /** Puts numbers on a device, in its operators' arithmetic. */
  static Buffer put(ModelOperators operators, float[] values) {
    Arithmetic arithmetic = operators.arithmetic();
    WeightType type = arithmetic == Arithmetic.FP32 ? WeightType.F32 : WeightType.BF16;
    byte[] bytes = new byte[type.bytes() * values.length];
    for (int i = 0; i < values.length; i++) {
      type.write(type.round(values[i]), bytes, type.bytes() * i);
    }
    Buffer buffer = operators.device().allocate(bytes.length);
    operators.device().write(buffer, 0, ByteBuffer.wrap(bytes));
    return buffer;
  }

  static float[] get(ModelOperators operators, Buffer buffer, int count) {
    Arithmetic arithmetic = operators.arithmetic();
    WeightType type = arithmetic == Arithmetic.FP32 ? WeightType.F32 : WeightType.BF16;
    ByteBuffer bytes = ByteBuffer.allocate(type.bytes() * count);
    operators.device().read(buffer, 0, bytes);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = type.read(bytes.array(), type.bytes() * i);
    }
    return values;
  }

  static Buffer putInts(ModelOperators operators, int... values) {
    Buffer buffer = DeviceInts.allocate(operators.device(), values.length);
    DeviceInts.write(buffer, values);
    return buffer;
  }
}
