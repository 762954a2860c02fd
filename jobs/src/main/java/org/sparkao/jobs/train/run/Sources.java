package org.sparkao.jobs.train.run;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.quant.safetensors.ByteSource;

/** Files of a folder that are open together; the opener closes them. */
final class Sources implements AutoCloseable {
  private final List<ByteSource> opened = new ArrayList<>();

  /** Opens all of them, or none. */
  Sources(Folder folder, List<String> names) throws IOException {
    try {
      for (String name : names) {
        opened.add(folder.open(name));
      }
    } catch (IOException | RuntimeException e) {
      close();
      throw e;
    }
  }

  /** In the order of their names. */
  List<ByteSource> all() {
    return List.copyOf(opened);
  }

  @Override
  public void close() throws IOException {
    for (ByteSource source : opened) {
      source.close();
    }
  }
}
