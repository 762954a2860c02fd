package org.sparkao.jobs.export.run;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.function.IntConsumer;
import org.sparkao.jobs.job.Texts;
import org.sparkao.jobs.storage.FileLocation;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.llamacpp.Splits;
import org.sparkao.quant.safetensors.ByteSink;
import org.sparkao.quant.safetensors.ByteSource;

/**
 * The file to write, or the numbered ones. Tensors are written as parts in a folder beside them,
 * and then joined.
 *
 * @param uri of the folder
 * @param folder they lie in
 * @param name within the folder, without numbers
 * @param count of files
 */
public record OutputFile(String uri, Folder folder, String name, int count) {
  private static final String CLAIM = "run";

  /** A file by URI or local path; nothing is touched. */
  public static OutputFile of(String file, Storage storage, int count) throws IOException {
    FileLocation location = FileLocation.of(file);
    if (location.name().isEmpty()) {
      throw new QuantException("--output " + file + ": name a file, such as model.gguf");
    }
    return new OutputFile(
        location.folder(), storage.folder(location.folder()), location.name(), count);
  }

  /**
   * Refuses what would overwrite something or fill the disk.
   *
   * @param bytes of the file; parts need as much again
   */
  public void requireFree(long bytes) throws IOException {
    for (int i = 0; i < count; i++) {
      if (folder.size(file(i)).isPresent()) {
        throw new QuantException(
            folder.location()
                + "/"
                + file(i)
                + ": is there already; remove it, or name another --output");
      }
    }
    if (!folder.list(parts()).isEmpty()) {
      throw new QuantException(
          folder.location()
              + "/"
              + parts()
              + ": another export writes "
              + name
              + ", or one was killed; remove the folder if none runs");
    }
    OptionalLong free = folder.freeBytes();
    if (free.isPresent() && free.getAsLong() < 2 * bytes) {
      throw new QuantException(
          folder.location()
              + "/"
              + name
              + ": needs "
              + Texts.bytes(2 * bytes)
              + " while it is joined from its parts, and "
              + Texts.bytes(free.getAsLong())
              + " are free; make room, or name an --output elsewhere");
    }
  }

  /** Name of file {@code index}, counted from 0. */
  String file(int index) {
    return count == 1 ? name : Splits.name(name, index, count);
  }

  /** The folder of parts. */
  String parts() {
    return name + ".parts";
  }

  /** Takes the folder of parts for a run. */
  void claim(String runId) throws IOException {
    String mine = runId + " " + UUID.randomUUID();
    if (!folder.create(parts() + "/" + CLAIM, mine.getBytes(StandardCharsets.UTF_8))) {
      throw new QuantException(
          folder.location() + "/" + parts() + ": another export has just begun; wait for its end");
    }
  }

  /** Says that the parts are still needed, which {@code maintain} goes by. */
  void keep(String runId) throws IOException {
    folder.replace(parts() + "/" + CLAIM, runId.getBytes(StandardCharsets.UTF_8));
  }

  /** Removes the parts. */
  void release() throws IOException {
    folder.delete(parts());
  }

  /**
   * Makes a file, in one step in the end.
   *
   * @param index of it
   * @param header its first bytes
   * @param names of the parts in order
   * @param joined told of bytes as they are done
   */
  void join(int index, byte[] header, List<String> names, IntConsumer joined) throws IOException {
    String whole = parts() + "/whole";
    try (ByteSink sink = folder.sink(whole, file(index))) {
      sink.write(0, header, 0, header.length);
      long position = header.length;
      for (String part : names) {
        try (ByteSource source = folder.open(parts() + "/" + part)) {
          source.copyTo(sink, position, joined);
          position += source.size();
        }
      }
      sink.commit();
    }
  }
}
