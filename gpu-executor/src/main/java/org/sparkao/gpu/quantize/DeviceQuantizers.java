package org.sparkao.gpu.quantize;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.Quantizers;
import org.sparkao.quant.observe.TensorRange;
import org.sparkao.quant.pack.PackedPart;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.CheckpointLayout;

/**
 * The table of contents of this package: which request the device answers. Bytes and statistics are
 * those of {@link Quantizers}.
 */
public final class DeviceQuantizers {
  /** No weights yet, in the order of {@code quantize::order_of}. */
  private static final int LARGEST_KEY = 0x7F800000;

  private static final int SMALLEST_KEY = 0x807FFFFF;

  private DeviceQuantizers() {}

  /**
   * Why the device cannot answer a request that {@link Quantizers#parts} accepts; empty when it
   * can. Planning asks, so that no run falls back to the CPU.
   */
  public static Optional<String> unsupported(QuantizeRequest request) {
    if (request.layout() == CheckpointLayout.TORCHAO) {
      return Optional.of("layout torchao is written by the CPU only; use --device cpu");
    }
    return switch (request.algorithm()) {
      case RTN, MSE -> Optional.empty();
      case GPTQ -> Optional.of("algorithm gptq needs second moments of inputs: CudaGptq");
      case PERCENTILE, HISTOGRAM, HQQ, IMATRIX, AWQ, SMOOTHQUANT ->
          Optional.of(
              "algorithm "
                  + request.algorithm().configName()
                  + " runs on the CPU only; use --device cpu, or --algorithm rtn, mse or gptq");
    };
  }

  /**
   * A quantizer for one weight. The caller closes it before the workspace serves another one.
   *
   * @param range the range of the whole weight and its fused siblings; required when {@code
   *     request.scheme().needsTensorRange()}
   * @throws QuantException when the request does not go together, or not on a device
   */
  public static SliceQuantizer create(
      QuantizeWorkspace workspace, QuantizeRequest request, Optional<TensorRange> range) {
    List<PackedPart> parts = Quantizers.parts(request);
    String scheme = "scheme " + request.scheme().name();
    unsupported(request)
        .ifPresent(
            why -> {
              throw new QuantException(scheme + ": " + why);
            });
    boolean needed = request.scheme().needsTensorRange();
    if (needed && range.isEmpty()) {
      throw new QuantException(scheme + " needs the range of the whole weight");
    }
    return new CudaQuantizer(workspace, request, parts, needed ? range : Optional.empty());
  }

  /**
   * The range of {@code count} weights, little endian from byte {@code offset} on: as {@link
   * Quantizers#range}.
   *
   * @param dtype BF16, F16 or F32
   */
  public static TensorRange range(
      QuantizeWorkspace workspace, byte[] source, int offset, int count, DType dtype) {
    if (count == 0) {
      return TensorRange.EMPTY;
    }
    CudaDevice device = workspace.device();
    int bytes = Math.toIntExact(dtype.bytes(count));
    QuantizeWorkspace.Slot slot = workspace.slots().get(0);
    slot.reserve(bytes, bytes, 1);
    slot.source().buffer().put(source, offset, bytes);
    Buffer keys = workspace.constants().slice(0, 2 * Integer.BYTES);
    ByteBuffer found = ByteBuffer.allocate(2 * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    found.putInt(LARGEST_KEY).putInt(SMALLEST_KEY).flip();
    device.on(
        slot.stream(),
        () -> {
          Buffer weights = slot.memory().slice(0, bytes);
          slot.stream().upload(slot.source().slice(0, bytes), weights);
          device.write(keys, 0, found);
          QuantizeKernels.range(workspace.kernels(), dtype, weights, keys, count);
          device.read(keys, 0, found);
        });
    return new TensorRange(number(found.getInt(0)), number(found.getInt(Integer.BYTES)));
  }

  /** The float whose key is {@code key}. */
  private static float number(int key) {
    return Float.intBitsToFloat(key < 0 ? key ^ Integer.MAX_VALUE : key);
  }
}
