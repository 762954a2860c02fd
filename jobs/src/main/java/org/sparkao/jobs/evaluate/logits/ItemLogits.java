package org.sparkao.jobs.evaluate.logits;

import java.io.Closeable;
import java.io.IOException;
import java.util.Optional;
import org.sparkao.jobs.evaluate.plan.ItemWork;
import org.sparkao.jobs.storage.Folder;

/** The logits of one item while it is scored: written, held against the base's, or both. */
final class ItemLogits implements Closeable {
  private final long rows;
  private final float[] own;
  private final float[] base;
  private final AgreementSum sum = new AgreementSum();
  private final Optional<LogitsWriter> writer;
  private final Optional<LogitsReader> reader;
  private long done;

  /** Opens the item's files; the caller closes it. */
  ItemLogits(Folder folder, LogitsFolder where, ItemNames names, ItemWork item) throws IOException {
    int vocabulary = where.vocabulary();
    int[] tokens = LogitsFile.tokens(item);
    this.rows = tokens.length;
    this.own = new float[vocabulary];
    this.base = new float[names.base().isEmpty() ? 0 : vocabulary];
    this.reader =
        names.base().isEmpty()
            ? Optional.empty()
            : Optional.of(
                LogitsReader.open(folder, LogitsFile.of(names.base(), item, vocabulary), tokens));
    try {
      this.writer =
          names.own().isEmpty()
              ? Optional.empty()
              : Optional.of(
                  new LogitsWriter(
                      folder,
                      LogitsFile.of(names.own(), item, vocabulary),
                      where.newPart(),
                      tokens));
    } catch (IOException | RuntimeException e) {
      close(reader);
      throw e;
    }
  }

  /**
   * The next row.
   *
   * @param logits [vocabulary]
   */
  void accept(float[] logits) throws IOException {
    LogSoftmax.of(logits, own);
    if (reader.isPresent()) {
      reader.get().read(done, base);
      sum.add(base, own);
    }
    if (writer.isPresent()) {
      writer.get().append(own);
    }
    done++;
  }

  /** Whether all rows are there. */
  boolean isComplete() {
    return done == rows;
  }

  /** Gives the file its name; the agreement where there is a base. */
  Optional<Agreement> finish() throws IOException {
    if (writer.isPresent()) {
      writer.get().commit();
    }
    return reader.map(open -> sum.mean());
  }

  @Override
  public void close() throws IOException {
    try {
      close(reader);
    } finally {
      close(writer);
    }
  }

  private static void close(Optional<? extends Closeable> file) throws IOException {
    if (file.isPresent()) {
      file.get().close();
    }
  }
}
