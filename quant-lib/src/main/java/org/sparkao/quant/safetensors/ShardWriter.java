package org.sparkao.quant.safetensors;

import java.io.IOException;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/**
 * Writes one safetensors file, header first. Tensors are filled in any order and may take turns;
 * the bytes of one tensor come in order. Holds nothing but the hash states. For one thread; the
 * sink stays the caller's to close.
 */
public final class ShardWriter {
  private final ByteSink sink;
  private final ShardHeader header;
  private final Map<String, Progress> progress = new HashMap<>();

  /** Writes the header. */
  public ShardWriter(ByteSink sink, ShardHeader header) throws IOException {
    this.sink = sink;
    this.header = header;
    byte[] bytes = header.bytes();
    sink.write(0, bytes, 0, bytes.length);
    for (TensorEntry entry : header.entries()) {
      progress.put(entry.name(), new Progress(entry));
    }
  }

  /** Appends the next {@code length} bytes of the tensor {@code name}. */
  public void append(String name, byte[] buffer, int offset, int length) throws IOException {
    Progress tensor = progress(name, length);
    sink.write(tensor.position, buffer, offset, length);
    tensor.digest.update(buffer, offset, length);
    tensor.position += length;
  }

  /** The same; hashed by another thread while they are written. For many bytes. */
  public void appendBeside(String name, byte[] buffer, int offset, int length) throws IOException {
    Progress tensor = progress(name, length);
    CompletableFuture<Void> hashed =
        CompletableFuture.runAsync(() -> tensor.digest.update(buffer, offset, length));
    try {
      sink.write(tensor.position, buffer, offset, length);
    } finally {
      hashed.join();
    }
    tensor.position += length;
  }

  /** The tensor of that name, which has room for so many bytes. */
  private Progress progress(String name, int length) {
    Progress tensor = progress.get(name);
    if (tensor == null) {
      throw new IllegalArgumentException(name + " is not in the header of this file");
    }
    if (length > tensor.entry.end() - tensor.position) {
      throw new IllegalArgumentException(
          name
              + ": "
              + length
              + " bytes do not fit, "
              + (tensor.entry.end() - tensor.position)
              + " are left");
    }
    return tensor;
  }

  /**
   * Makes the file durable.
   *
   * @return every tensor in the order of the file
   * @throws IllegalStateException when a tensor lacks bytes; nothing is committed then
   */
  public List<WrittenTensor> finish() throws IOException {
    for (TensorEntry entry : header.entries()) {
      long missing = entry.end() - progress.get(entry.name()).position;
      if (missing != 0) {
        throw new IllegalStateException(entry.name() + " lacks its last " + missing + " bytes");
      }
    }
    sink.commit();
    List<WrittenTensor> written = new ArrayList<>(progress.size());
    for (TensorEntry entry : header.entries()) {
      String sha256 = Sha256.hex(progress.get(entry.name()).digest);
      written.add(new WrittenTensor(entry.name(), entry.begin(), entry.bytes(), sha256));
    }
    return List.copyOf(written);
  }

  /** How far one tensor has been written. */
  private static final class Progress {
    private final TensorEntry entry;
    private final MessageDigest digest = Sha256.newDigest();
    private long position;

    private Progress(TensorEntry entry) {
      this.entry = entry;
      this.position = entry.begin();
    }
  }
}
