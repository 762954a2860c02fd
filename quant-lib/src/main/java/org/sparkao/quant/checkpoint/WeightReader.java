package org.sparkao.quant.checkpoint;

import java.io.Closeable;
import java.io.IOException;
import java.security.MessageDigest;
import java.util.Objects;
import java.util.Optional;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.safetensors.ByteSource;
import org.sparkao.quant.safetensors.DType;

/**
 * Reads one weight [N, K] by slices of rows, whatever its stored form. Memory is bounded: a slice
 * of codes, the scales, and for a transposed weight one panel of 64 MB. For one thread; closes its
 * files.
 *
 * <p>Hashing: the digest sees scales and zero points first where there are any, then the stored
 * bytes of the rows in the order of [N, K], however they are sliced. For a weight that is a whole
 * tensor of its own this is the hash of the tensor's bytes.
 */
public final class WeightReader implements Closeable {
  private final WeightSource weight;
  private final ByteSource source;
  private final RawRows rows;
  private final boolean hashed;
  private long nextRow;

  private WeightReader(WeightSource weight, ByteSource source, RawRows rows, RawHash hash) {
    this.weight = weight;
    this.source = source;
    this.rows = rows;
    this.hashed = hash.isWanted();
  }

  /** Opens a weight to be read in any order, without hashing. */
  public static WeightReader open(CheckpointFiles files, WeightSource weight) throws IOException {
    return open(files, weight, new RawHash(Optional.empty()));
  }

  /** Opens a weight to be read once, in order, while {@code digest} sees its stored bytes. */
  public static WeightReader open(CheckpointFiles files, WeightSource weight, MessageDigest digest)
      throws IOException {
    return open(files, weight, new RawHash(Optional.of(digest)));
  }

  private static WeightReader open(CheckpointFiles files, WeightSource weight, RawHash hash)
      throws IOException {
    Optional<ScaleGrid> scales = Optional.empty();
    if (weight.form() instanceof StoredForm.Scaled scaled) {
      try (ByteSource source = files.open(scaled.scale().file())) {
        scales = Optional.of(ScaleGrid.read(source, scaled, weight.columns(), hash));
      }
    }
    ByteSource source = files.open(weight.tensor().file());
    RawRows rows =
        weight.view().axes() == MatrixView.Axes.ROWS_FIRST
            ? new ContiguousRows(source, weight, hash)
            : new TransposedRows(source, weight, hash);
    if (weight.tensor().entry().dtype() == DType.F8_E4M3) {
      rows = new Fp8Rows(rows, scales, weight);
    } else if (weight.form() instanceof StoredForm.Affine) {
      rows = AffineRows.open(files, rows, weight, hash);
    }
    return new WeightReader(weight, source, rows, hash);
  }

  /** Type of the values that are read: BF16, F16 or F32. */
  public DType dtype() {
    return weight.dtype();
  }

  /** N, or the rows of the view. */
  public long rows() {
    return weight.rows();
  }

  /** K. */
  public long columns() {
    return weight.columns();
  }

  /**
   * Reads rows [rowBegin, rowBegin + rows) as {@link #dtype}, little endian, K contiguous, into
   * {@code buffer} from {@code offset} on.
   *
   * @throws IllegalStateException when the weight is hashed and this is not its next row
   * @throws QuantException when the file has become shorter than its header says
   */
  public void readRows(long rowBegin, int rows, byte[] buffer, int offset) throws IOException {
    Objects.checkFromIndexSize(rowBegin, rows, weight.rows());
    Objects.checkFromIndexSize(
        offset, Math.toIntExact(rows * dtype().bytes(columns())), buffer.length);
    if (hashed && rowBegin != nextRow) {
      throw new IllegalStateException(
          weight.tensor().entry().name() + ": row " + rowBegin + " after row " + nextRow);
    }
    this.rows.read(rowBegin, rows, buffer, offset);
    nextRow = rowBegin + rows;
  }

  @Override
  public void close() throws IOException {
    source.close();
  }
}
