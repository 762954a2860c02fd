package org.sparkao.gpu.optimizer;

import java.nio.ByteBuffer;
import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.Device;

/**
 * One moment of one tensor in memory of a device.
 *
 * @param format how it is stored
 * @param elements how many there are
 * @param codes the codes, or the numbers in fp32
 * @param scales [elements / block] fp32; empty for fp32
 */
public record MomentState(StateFormat format, long elements, Buffer codes, Optional<Buffer> scales)
    implements AutoCloseable {
  private static final int CHUNK_BYTES = 1 << 20;

  /** A moment of zeros. The caller closes it. */
  static MomentState zeros(Device device, StateFormat format, long elements) {
    Buffer codes = device.allocate(format.codeBytes(elements));
    clear(device, codes);
    if (format == StateFormat.FP32) {
      return new MomentState(format, elements, codes, Optional.empty());
    }
    Buffer scales = device.allocate(format.scaleBytes(elements));
    clear(device, scales);
    return new MomentState(format, elements, codes, Optional.of(scales));
  }

  private static void clear(Device device, Buffer buffer) {
    ByteBuffer zeros = ByteBuffer.allocate((int) Math.min(CHUNK_BYTES, buffer.bytes()));
    for (long at = 0; at < buffer.bytes(); at += zeros.capacity()) {
      zeros.limit((int) Math.min(zeros.capacity(), buffer.bytes() - at));
      device.write(buffer, at, zeros);
    }
  }

  /** Bytes of codes and scales. */
  public long bytes() {
    return codes.bytes() + scales.map(Buffer::bytes).orElse(0L);
  }

  @Override
  public void close() {
    codes.close();
    scales.ifPresent(Buffer::close);
  }
}
