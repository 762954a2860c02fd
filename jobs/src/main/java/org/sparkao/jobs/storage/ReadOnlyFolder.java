package org.sparkao.jobs.storage;

import java.io.IOException;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalLong;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.safetensors.ByteSink;
import org.sparkao.quant.safetensors.ByteSource;

/** A folder that nothing can be written to, and whose files are what they always were. */
interface ReadOnlyFolder extends Folder {
  /** Not known. */
  @Override
  default Optional<Instant> modified(String name) {
    return Optional.empty();
  }

  @Override
  default byte[] read(String name) throws IOException {
    try (ByteSource source = open(name)) {
      byte[] bytes = new byte[Math.toIntExact(source.size())];
      source.readFully(0, bytes, 0, bytes.length);
      return bytes;
    }
  }

  @Override
  default boolean create(String name, byte[] content) {
    throw readOnly();
  }

  @Override
  default void replace(String name, byte[] content) {
    throw readOnly();
  }

  @Override
  default ByteSink sink(String name) {
    throw readOnly();
  }

  @Override
  default ByteSink sink(String part, String name) {
    throw readOnly();
  }

  @Override
  default int abortUploads() {
    return 0;
  }

  @Override
  default void rename(String from, String to) {
    throw readOnly();
  }

  @Override
  default void delete(String name) {
    throw readOnly();
  }

  @Override
  default OptionalLong freeBytes() {
    return OptionalLong.of(0);
  }

  private QuantException readOnly() {
    return new QuantException(location() + ": is only read; write to a disk or a Hadoop URI");
  }
}
