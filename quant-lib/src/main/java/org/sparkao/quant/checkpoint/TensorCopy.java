package org.sparkao.quant.checkpoint;

import java.io.IOException;
import org.sparkao.quant.safetensors.ByteSource;
import org.sparkao.quant.safetensors.TensorEntry;

/** Carries the bytes of a tensor over unchanged. */
public final class TensorCopy {
  private static final int CHUNK_BYTES = 4 << 20;

  private TensorCopy() {}

  /** Takes the next bytes of a tensor; the buffer is reused afterwards. */
  @FunctionalInterface
  public interface Target {
    /** Takes {@code length} bytes from {@code offset} on. */
    void append(byte[] buffer, int offset, int length) throws IOException;
  }

  /** Gives all bytes of the tensor to {@code target}, in order, 4 MiB at a time. */
  public static void copy(CheckpointFiles files, CheckpointTensor tensor, Target target)
      throws IOException {
    TensorEntry entry = tensor.entry();
    byte[] buffer = new byte[(int) Math.min(CHUNK_BYTES, entry.bytes())];
    try (ByteSource source = files.open(tensor.file())) {
      for (long position = entry.begin(); position < entry.end(); position += buffer.length) {
        int count = (int) Math.min(buffer.length, entry.end() - position);
        source.readFully(position, buffer, 0, count);
        target.append(buffer, 0, count);
      }
    }
  }
}
