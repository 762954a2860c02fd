package org.sparkao.gpu.quantize;

import java.nio.ByteBuffer;
import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.Quantizers;
import org.sparkao.quant.algorithm.WeightAlgorithm;
import org.sparkao.quant.algorithm.WeightSpec;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.Schemes;

/**
 * Plain Java on a {@link CpuDevice}: activations are quantized like a weight of M rows by
 * quant-lib.
 */
public final class ReferenceActivationQuantizer implements ActivationQuantizer {

  @Override
  public void quantizeRows(int m, int k, Codes kind, Buffer x, QuantizedRows out) {
    ActivationShapes.check(m, k, LARGEST_K);
    quantize(kind == Codes.INT8 ? "W8A8" : "FP8_DYNAMIC", m, k, bytes(x), out);
  }

  @Override
  public void quantizeGroups(int m, int k, Codes kind, Buffer x, QuantizedRows out) {
    ActivationShapes.check(m, k, GROUP, Integer.MAX_VALUE);
    String scheme = kind == Codes.INT8 ? "W8A8" : "FP8_DYNAMIC";
    quantize(scheme + "(group_size=" + GROUP + ")", m, k, bytes(x), out);
  }

  @Override
  public void quantizeNormalizedRows(int m, int k, Buffer x, NormWeight weight, QuantizedRows out) {
    ActivationShapes.check(m, k, LARGEST_NORMALIZED_K);
    WeightType type = WeightType.BF16;
    byte[] source = bytes(x);
    byte[] scale = bytes(weight.values());
    byte[] normalized = new byte[source.length];
    for (int row = 0; row < m; row++) {
      double squares = 0;
      for (int j = 0; j < k; j++) {
        double value = type.read(source, 2 * (row * k + j));
        squares += value * value;
      }
      double root = Math.sqrt(squares / k + weight.epsilon());
      for (int j = 0; j < k; j++) {
        int at = 2 * (row * k + j);
        float one = type.round((float) (type.read(source, at) / root));
        type.write(type.round(one * type.read(scale, 2 * j)), normalized, at);
      }
    }
    quantize("FP8_DYNAMIC", m, k, normalized, out);
  }

  private static void quantize(String scheme, int m, int k, byte[] x, QuantizedRows out) {
    QuantizeRequest request =
        new QuantizeRequest(
            Schemes.parse(scheme),
            CheckpointLayout.COMPRESSED_TENSORS,
            Numerics.COMPRESSED_TENSORS,
            WeightAlgorithm.RTN,
            new WeightSpec(m, k, DType.BF16));
    byte[][] parts =
        Quantizers.parts(request).stream()
            .map(part -> new byte[Math.toIntExact(part.bytes())])
            .toArray(byte[][]::new);
    Quantizers.create(request, Optional.empty()).quantize(x, 0, 0, m, parts);
    CpuDevice.bytes(out.codes()).put(parts[0]);
    ByteBuffer scales = CpuDevice.bytes(out.scales());
    for (int i = 0; i < parts[1].length; i += 2) {
      scales.putFloat(WeightType.BF16.read(parts[1], i));
    }
  }

  private static byte[] bytes(Buffer buffer) {
    ByteBuffer view = CpuDevice.bytes(buffer);
    byte[] bytes = new byte[view.remaining()];
    view.get(bytes);
    return bytes;
  }
}
