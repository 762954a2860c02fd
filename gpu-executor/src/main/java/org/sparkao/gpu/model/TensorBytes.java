package org.sparkao.gpu.model;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.sparkao.quant.checkpoint.CheckpointFiles;
import org.sparkao.quant.checkpoint.CheckpointTensor;
import org.sparkao.quant.safetensors.ByteSource;
import org.sparkao.quant.safetensors.TensorEntry;

/** Tensors of a checkpoint's files, read when they are needed. */
final class TensorBytes {
  private static final long MOST_BYTES = Integer.MAX_VALUE - 8;

  private TensorBytes() {}

  /** A tensor of any type, as it is stored. */
  static StoredTensor stored(CheckpointFiles files, String location, CheckpointTensor tensor) {
    TensorEntry entry = tensor.entry();
    if (entry.bytes() > MOST_BYTES) {
      throw ModelErrors.tooLarge(location + "/" + tensor.file(), entry.name(), entry.bytes());
    }
    return new StoredTensor(entry.name(), entry.dtype(), entry.shape(), () -> read(files, tensor));
  }

  private static ByteBuffer read(CheckpointFiles files, CheckpointTensor tensor) {
    byte[] bytes = new byte[(int) tensor.entry().bytes()];
    try (ByteSource source = files.open(tensor.file())) {
      source.readFully(tensor.entry().begin(), bytes, 0, bytes.length);
    } catch (IOException e) {
      throw new UncheckedIOException(tensor.entry().name() + " in " + tensor.file(), e);
    }
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
