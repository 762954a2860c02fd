package org.sparkao.jobs.storage;

import java.io.IOException;
import org.sparkao.quant.safetensors.ByteSink;

/** A file that grows under one name and is given another when it is committed. */
final class NamedSink implements ByteSink {
  private final Folder folder;
  private final String part;
  private final String name;
  private final ByteSink sink;
  private boolean named;

  /** Begins the file {@code part}. */
  NamedSink(Folder folder, String part, String name) throws IOException {
    this.folder = folder;
    this.part = part;
    this.name = name;
    this.sink = folder.sink(part);
  }

  @Override
  public void write(long position, byte[] buffer, int offset, int length) throws IOException {
    sink.write(position, buffer, offset, length);
  }

  @Override
  public void commit() throws IOException {
    sink.commit();
    sink.close();
    folder.rename(part, name);
    named = true;
  }

  @Override
  public void close() throws IOException {
    sink.close();
    if (!named) {
      folder.delete(part);
    }
  }
}
