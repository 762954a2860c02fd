package org.sparkao.jobs.evaluate.logits;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.safetensors.ByteSource;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.safetensors.SafetensorsHeader;
import org.sparkao.quant.safetensors.TensorEntry;

/** Reads the file of one item, row by row. */
final class LogitsReader implements Closeable {
  private final ByteSource source;
  private final TensorEntry rows;
  private final byte[] row;

  /**
   * Opens and checks a file; the caller closes it.
   *
   * @param tokens what must have been scored
   * @throws QuantException if the file is not of these tokens and this vocabulary
   */
  static LogitsReader open(Folder folder, LogitsFile file, int[] tokens) throws IOException {
    ByteSource source = folder.open(file.name());
    try {
      Map<String, TensorEntry> entries = entries(source);
      require(source, entries.get(LogitsFile.TOKENS), DType.I32, List.of(file.rows()));
      requireVocabulary(source, entries.get(LogitsFile.LOG_SOFTMAX), file.vocabulary());
      LogitsReader reader = new LogitsReader(source, file, entries.get(LogitsFile.LOG_SOFTMAX));
      reader.requireTokens(entries.get(LogitsFile.TOKENS), tokens);
      return reader;
    } catch (IOException | RuntimeException e) {
      source.close();
      throw e;
    }
  }

  private LogitsReader(ByteSource source, LogitsFile file, TensorEntry rows) {
    require(source, rows, DType.F32, List.of(file.rows(), (long) file.vocabulary()));
    this.source = source;
    this.rows = rows;
    this.row = new byte[Float.BYTES * file.vocabulary()];
  }

  /**
   * Refuses a file of a model with another vocabulary.
   *
   * @throws QuantException names both sizes
   */
  static void requireVocabulary(Folder folder, String name, int vocabulary) throws IOException {
    try (ByteSource source = folder.open(name)) {
      requireVocabulary(source, entries(source).get(LogitsFile.LOG_SOFTMAX), vocabulary);
    }
  }

  private static void requireVocabulary(ByteSource source, TensorEntry rows, int vocabulary) {
    if (rows == null || rows.shape().size() != 2) {
      throw new QuantException(source.location() + ": has no tensor log_softmax of two axes");
    }
    if (rows.dimension(1) != vocabulary) {
      throw new QuantException(
          source.location()
              + ": the base has a vocabulary of "
              + rows.dimension(1)
              + ", this model of "
              + vocabulary
              + "; a divergence needs the same one");
    }
  }

  private static Map<String, TensorEntry> entries(ByteSource source) throws IOException {
    Map<String, TensorEntry> entries = new HashMap<>();
    SafetensorsHeader.read(source).entries().forEach(entry -> entries.put(entry.name(), entry));
    return entries;
  }

  private static void require(ByteSource source, TensorEntry entry, DType dtype, List<Long> shape) {
    if (entry == null || entry.dtype() != dtype || !entry.shape().equals(shape)) {
      throw new QuantException(
          source.location()
              + ": has "
              + (entry == null ? "nothing" : entry.dtype() + " " + entry.shape())
              + " where "
              + dtype
              + " "
              + shape
              + " belongs; delete the file and evaluate the base again with --store-logits");
    }
  }

  private void requireTokens(TensorEntry entry, int[] tokens) throws IOException {
    byte[] bytes = new byte[Math.toIntExact(entry.bytes())];
    source.readFully(entry.begin(), bytes, 0, bytes.length);
    int[] found = new int[tokens.length];
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().get(found);
    if (!Arrays.equals(found, tokens)) {
      throw new QuantException(source.location() + ": is of other tokens than this run scores");
    }
  }

  /**
   * Reads a row.
   *
   * @param index of the scored token
   * @param into [vocabulary]
   */
  void read(long index, float[] into) throws IOException {
    source.readFully(rows.begin() + index * row.length, row, 0, row.length);
    ByteBuffer.wrap(row).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(into);
  }

  @Override
  public void close() throws IOException {
    source.close();
  }
}
