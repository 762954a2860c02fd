package org.sparkao.jobs.evaluate.logits;

import java.io.Closeable;
import java.io.IOException;
import java.util.Optional;
import java.util.stream.IntStream;
import org.sparkao.jobs.evaluate.plan.ItemWork;
import org.sparkao.jobs.storage.Folder;

/**
 * The logits of one item while it is scored: written, held against the base's, or both. Rows wait
 * until there are enough for all cores; they are added up and written in their order.
 */
final class ItemLogits implements Closeable {
  /** Rows that wait: two or three for each core of a usual machine. */
  private static final int MOST_WAITING = 64;

  private final long rows;
  private final float[][] own;
  private final float[][] base;
  private final AgreementSum sum = new AgreementSum();
  private final Optional<LogitsWriter> writer;
  private final Optional<LogitsReader> reader;
  private long done;
  private int waiting;

  /** Opens the item's files; the caller closes it. */
  ItemLogits(Folder folder, LogitsFolder where, ItemNames names, ItemWork item) throws IOException {
    int vocabulary = where.vocabulary();
    int[] tokens = LogitsFile.tokens(item);
    this.rows = tokens.length;
    int most = Math.min(MOST_WAITING, tokens.length);
    this.own = new float[most][vocabulary];
    this.base = new float[names.base().isEmpty() ? 0 : most][vocabulary];
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
    System.arraycopy(logits, 0, own[waiting], 0, logits.length);
    if (reader.isPresent()) {
      reader.get().read(done, base[waiting]);
    }
    waiting++;
    done++;
    if (waiting == own.length || isComplete()) {
      finishWaiting();
    }
  }

  private void finishWaiting() throws IOException {
    AgreementSum.OfToken[] agreements = new AgreementSum.OfToken[waiting];
    IntStream.range(0, waiting)
        .parallel()
        .forEach(
            i -> {
              LogSoftmax.of(own[i], own[i]);
              if (reader.isPresent()) {
                agreements[i] = AgreementSum.ofToken(base[i], own[i]);
              }
            });
    for (int i = 0; i < waiting; i++) {
      if (reader.isPresent()) {
        sum.add(agreements[i]);
      }
      if (writer.isPresent()) {
        writer.get().append(own[i]);
      }
    }
    waiting = 0;
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
