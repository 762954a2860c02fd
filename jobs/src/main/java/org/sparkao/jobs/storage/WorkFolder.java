package org.sparkao.jobs.storage;

import java.io.IOException;
import java.util.UUID;
import org.sparkao.quant.safetensors.ByteSink;
import org.sparkao.quant.safetensors.ByteSource;

/** What is unfinished, in the output of a run that works on it: names, and files that grow. */
public final class WorkFolder {
  /** The folder of everything temporary, claims too; it goes away last. */
  public static final String NAME = "_sparkao";

  private static final String DONE = "done-";
  private static final String PART = "part-";

  private WorkFolder() {}

  /** A file that grows, of one attempt. */
  public static String part(String file, String attempt) {
    return NAME + "/" + PART + file + "-" + attempt + ".tmp";
  }

  /** A file that grows, of this call alone. */
  private static String part(String file) {
    return part(file.substring(file.lastIndexOf('/') + 1), newAttempt());
  }

  /** Puts the bytes of a file into a sink. */
  @FunctionalInterface
  public interface Content {
    /** All of them, and commits it. */
    void to(ByteSink sink) throws IOException;
  }

  /** Writes a file of the output durably; it appears when it is whole. */
  public static void write(Folder output, String name, Content content) throws IOException {
    try (ByteSink sink = output.sink(part(name), name)) {
      content.to(sink);
    }
  }

  /** The same with all bytes of another file. */
  public static void copy(ByteSource source, Folder output, String name) throws IOException {
    write(
        output,
        name,
        sink -> {
          source.copyTo(sink, 0, count -> {});
          sink.commit();
        });
  }

  /** What an attempt notes of the file that it has finished. */
  public static String done(String file, String attempt) {
    return NAME + "/" + DONE + file + "-" + attempt + ".json";
  }

  /** Whether a file of the folder grew, or still does. */
  public static boolean isPart(String name) {
    return name.startsWith(PART);
  }

  /** Whether a file of the folder is such a note. */
  public static boolean isDone(String name) {
    return name.startsWith(DONE);
  }

  /** A name that nobody else has. */
  public static String newAttempt() {
    return UUID.randomUUID().toString();
  }
}
