package org.sparkao.jobs.export.run;

import java.io.Closeable;
import java.io.IOException;
import org.sparkao.jobs.export.plan.PlannedTensor;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.checkpoint.CheckpointFiles;
import org.sparkao.quant.checkpoint.CheckpointTensor;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.gguf.GgufTensor;
import org.sparkao.quant.gguf.NumberRows;
import org.sparkao.quant.gguf.RowEncoder;
import org.sparkao.quant.safetensors.ByteSource;

/**
 * Reads tensors by slices of rows and encodes them. Memory: a slice of 1 MiB of values, or a head,
 * or a row if that is more. For one thread; closes its files.
 */
final class TensorRows implements Closeable {
  private static final long SLICE_VALUES = 1 << 18;

  private final CheckpointFiles files;
  private final String fingerprint;
  private ByteSource source;
  private String open = "";
  private CodedRows coded;

  /**
   * Of a checkpoint.
   *
   * @param fingerprint of it, at planning
   */
  TensorRows(CheckpointFiles files, String fingerprint) {
    this.files = files;
    this.fingerprint = fingerprint;
  }

  /** Takes the next bytes of a tensor. */
  @FunctionalInterface
  interface Target {
    /** Takes the first {@code count} bytes, for which {@code read} were read. */
    void append(byte[] bytes, int count, int read) throws IOException;
  }

  /** Gives all bytes of a tensor to {@code target}, in order. */
  void convert(PlannedTensor tensor, Target target) throws IOException {
    RowEncoder encoder = tensor.encoder();
    if (tensor.origin().tensor().isEmpty()) {
      float[] made = tensor.origin().made();
      byte[] out = new byte[Math.toIntExact(tensor.target().bytes())];
      target.append(out, encoder.encode(made, made.length, out), 0);
      return;
    }
    CheckpointTensor stored = tensor.origin().tensor().orElseThrow();
    if (tensor.origin().quantized()) {
      coded().convert(tensor, target);
      return;
    }
    WeightType type = WeightType.valueOf(stored.entry().dtype().name());
    Slices slices = new Slices(tensor.target(), tensor.origin().heads());
    float[] values = new float[Math.toIntExact(slices.rows() * slices.columns())];
    byte[] raw = new byte[Math.multiplyExact(values.length, type.bytes())];
    byte[] out = new byte[Math.toIntExact(tensor.target().type().bytes(values.length))];
    Raw slice = new Raw(stored, type, raw, Math.toIntExact(slices.columns()));
    ByteSource file = file(stored.file());
    for (long row = 0; row < slices.allRows(); row += slices.rows()) {
      int rows = (int) Math.min(slices.rows(), slices.allRows() - row);
      int bytes = Math.toIntExact(rows * slices.columns() * type.bytes());
      long begin = stored.entry().begin() + row * slices.columns() * type.bytes();
      file.readFully(begin, raw, 0, bytes);
      for (int i = 0; i < rows; i++) {
        slice.decode(slices.sourceRow(i), values, i);
      }
      target.append(out, encoder.encode(values, (int) (rows * slices.columns()), out), bytes);
    }
  }

  /**
   * Rows of a tensor that are converted at a time.
   *
   * @param rows of a slice
   * @param interleaved whether the slice is a head whose two halves are interleaved
   */
  private record Slices(long allRows, long columns, long rows, boolean interleaved) {
    private Slices(GgufTensor tensor, int heads) {
      this(
          tensor.shape().size() == 1 ? 1 : tensor.shape().get(0),
          tensor.shape().get(tensor.shape().size() - 1),
          heads);
    }

    private Slices(long allRows, long columns, int heads) {
      this(
          allRows,
          columns,
          heads > 0 ? allRows / heads : Math.max(1, Math.min(allRows, SLICE_VALUES / columns)),
          heads > 0);
    }

    /** The row of the slice as it is stored that becomes row {@code row}. */
    private int sourceRow(int row) {
      return interleaved ? row / 2 + row % 2 * (int) (rows / 2) : row;
    }
  }

  /** A slice of rows in their stored type, decoded row by row. */
  private record Raw(CheckpointTensor tensor, WeightType type, byte[] bytes, int columns) {

    /** Decodes a row of the slice to the place of row {@code row} of the values. */
    private void decode(int sourceRow, float[] values, int row) {
      int at = sourceRow * columns * type.bytes();
      if (NumberRows.read(type, bytes, at, values, row * columns, columns)) {
        return;
      }
      int column = 0;
      while (Float.isFinite(values[row * columns + column])) {
        column++;
      }
      throw new QuantException(
          tensor.entry().name()
              + " in "
              + tensor.file()
              + ": has a "
              + values[row * columns + column]
              + " in column "
              + column
              + "; blocks cannot hold it, repair the checkpoint");
    }
  }

  private CodedRows coded() throws IOException {
    if (coded == null) {
      coded = new CodedRows(OpenedWeights.of(files, fingerprint));
    }
    return coded;
  }

  /** Scales that blocks do not hold as they are, so far. */
  RoundedScales roundedScales() {
    return coded == null ? new RoundedScales() : coded.rounded();
  }

  private ByteSource file(String name) throws IOException {
    if (!open.equals(name)) {
      close();
      source = files.open(name);
      open = name;
    }
    return source;
  }

  @Override
  public void close() throws IOException {
    if (source != null) {
      source.close();
      source = null;
      open = "";
    }
  }
}
