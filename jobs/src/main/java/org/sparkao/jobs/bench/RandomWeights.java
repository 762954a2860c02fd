package org.sparkao.jobs.bench;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.sparkao.gpu.model.LinearWeight;
import org.sparkao.gpu.model.ProjectionSpec;
import org.sparkao.gpu.model.StoredTensor;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.Quantizers;
import org.sparkao.quant.algorithm.WeightAlgorithm;
import org.sparkao.quant.algorithm.WeightSpec;
import org.sparkao.quant.format.NumberFormats;
import org.sparkao.quant.format.Overflow;
import org.sparkao.quant.pack.PackedPart;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.QuantScheme;

/** Linear layers with random numbers in the form of a checkpoint; tensors share their memory. */
final class RandomWeights {
  private static final int PATTERN = 1 << 20;
  private static final double DEVIATION = 0.02;
  private static final double CODE_DEVIATION = 16;

  private final Random random = new Random(1);
  private final Map<DType, ByteBuffer> patterns = new EnumMap<>(DType.class);

  /** A linear layer [n, k] in a scheme, or in bf16. */
  LinearWeight linear(String name, int n, int k, Optional<QuantScheme> scheme) {
    LinearWeight.Form form =
        scheme.isPresent()
            ? quantized(n, k, scheme.get())
            : new LinearWeight.Plain(bf16(name, n, k));
    return new LinearWeight(name, n, k, form, Optional.empty());
  }

  /** bf16 numbers. */
  StoredTensor bf16(String name, long n, long k) {
    return tensor(name, DType.BF16, List.of(n, k));
  }

  /** A norm whose weights are random too. */
  ProjectionSpec.Norm norm(int k) {
    return new ProjectionSpec.Norm(
        new StoredTensor("norm", DType.BF16, List.of((long) k), () -> ones(k)), 1e-5f);
  }

  private static ByteBuffer ones(int k) {
    ByteBuffer bytes = RandomBuffers.bytes(Short.BYTES * k);
    while (bytes.hasRemaining()) {
      bytes.putShort((short) 0x3F80);
    }
    return bytes.flip();
  }

  private LinearWeight.Form quantized(int n, int k, QuantScheme scheme) {
    QuantizeRequest request =
        new QuantizeRequest(
            scheme,
            CheckpointLayout.COMPRESSED_TENSORS,
            Numerics.COMPRESSED_TENSORS,
            WeightAlgorithm.RTN,
            new WeightSpec(n, k, DType.BF16));
    List<StoredTensor> parts = new ArrayList<>();
    for (PackedPart part : Quantizers.parts(request)) {
      parts.add(
          part.suffix().equals("weight_scale") && part.dtype() == DType.BF16
              ? scales(part, scheme)
              : tensor(part.suffix(), part.dtype(), part.shape()));
    }
    List<StoredTensor> inputs =
        scheme.needsInputScales() ? List.of(bf16("input_scale", 1, 1)) : List.of();
    return new LinearWeight.Quantized(request, parts, inputs);
  }

  /** Under them the weights have the deviation of the bf16 ones, about. */
  private StoredTensor scales(PackedPart part, QuantScheme scheme) {
    int bits = scheme.weights().bits();
    double largest = bits == Byte.SIZE ? CODE_DEVIATION : 1 << bits - 2;
    short code =
        (short) NumberFormats.BF16.encode((float) (DEVIATION / largest), Overflow.SATURATE);
    ByteBuffer bytes = RandomBuffers.bytes(Math.toIntExact(part.bytes()));
    while (bytes.hasRemaining()) {
      bytes.putShort(code);
    }
    bytes.flip();
    return new StoredTensor(part.suffix(), part.dtype(), part.shape(), bytes::duplicate);
  }

  private StoredTensor tensor(String name, DType type, List<Long> shape) {
    long bytes = type.bytes(shape.stream().reduce(1L, Math::multiplyExact));
    return new StoredTensor(
        name, type, shape, () -> pattern(type, bytes).limit(Math.toIntExact(bytes)));
  }

  private ByteBuffer pattern(DType type, long bytes) {
    ByteBuffer held = patterns.get(type);
    if (held == null || held.capacity() < bytes) {
      held = repeated(type, Math.toIntExact(bytes));
      patterns.put(type, held);
    }
    return held.duplicate().order(ByteOrder.LITTLE_ENDIAN).clear();
  }

  private ByteBuffer repeated(DType type, int bytes) {
    byte[] pattern = new byte[Math.min(PATTERN, bytes)];
    random.nextBytes(pattern);
    if (type == DType.BF16 || type == DType.F8_E4M3) {
      normal(pattern, type);
    }
    ByteBuffer all = ByteBuffer.allocateDirect(bytes);
    while (all.hasRemaining()) {
      all.put(pattern, 0, Math.min(pattern.length, all.remaining()));
    }
    return all;
  }

  private void normal(byte[] pattern, DType type) {
    int step = type == DType.BF16 ? Short.BYTES : Byte.BYTES;
    for (int at = 0; at + step <= pattern.length; at += step) {
      double number = random.nextGaussian();
      if (step == Short.BYTES) {
        int code = NumberFormats.BF16.encode((float) (DEVIATION * number), Overflow.SATURATE);
        pattern[at] = (byte) code;
        pattern[at + 1] = (byte) (code >> Byte.SIZE);
      } else {
        pattern[at] =
            (byte)
                NumberFormats.E4M3FN.encode((float) (CODE_DEVIATION * number), Overflow.SATURATE);
      }
    }
  }
}
