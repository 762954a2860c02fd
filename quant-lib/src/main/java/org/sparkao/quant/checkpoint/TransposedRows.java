package org.sparkao.quant.checkpoint;

import java.io.IOException;
import org.sparkao.quant.safetensors.ByteSource;

/**
 * Rows [N, K] of a matrix that lies on disk as [K, N], N contiguous. A panel of rows is gathered at
 * once and kept, so that a weight is read once per panel and not once per slice.
 */
final class TransposedRows implements RawRows {
  private static final int PANEL_BYTES = 64 << 20;
  private static final int CHUNK_BYTES = 1 << 20;

  /** Below this share of a disk row, its wanted part is read alone. */
  private static final int WORTH_READING_WHOLE = 4;

  private final ByteSource source;
  private final RawHash hash;
  private final int elementBytes;
  private final long begin;
  private final long columns;
  private final long diskRowBytes;
  private final long viewBegin;
  private final long viewRows;
  private final int panelRows;
  private final int rowBytes;
  private byte[] panel;
  private byte[] chunk;
  private long panelBegin = -1;

  TransposedRows(ByteSource source, WeightSource weight, RawHash hash) {
    this.source = source;
    this.hash = hash;
    this.elementBytes = weight.tensor().entry().dtype().bits() / 8;
    this.columns = weight.columns();
    this.diskRowBytes = weight.allRows() * elementBytes;
    this.begin = weight.tensor().entry().begin() + weight.view().matrix() * columns * diskRowBytes;
    this.viewBegin = weight.view().rowBegin();
    this.viewRows = weight.rows();
    this.rowBytes = Math.toIntExact(columns * elementBytes);
    this.panelRows = (int) Math.max(1, Math.min(viewRows, PANEL_BYTES / rowBytes));
  }

  @Override
  public void read(long rowBegin, int rows, byte[] target, int offset) throws IOException {
    int done = 0;
    while (done < rows) {
      long row = rowBegin + done;
      load(row - row % panelRows);
      int inPanel = (int) (row - panelBegin);
      int count = Math.min(rows - done, panelRows - inPanel);
      System.arraycopy(
          panel, inPanel * rowBytes, target, offset + done * rowBytes, count * rowBytes);
      done += count;
    }
    hash.update(target, offset, rows * rowBytes);
  }

  private void load(long firstRow) throws IOException {
    if (firstRow == panelBegin) {
      return;
    }
    int rows = (int) Math.min(panelRows, viewRows - firstRow);
    if (panel == null) {
      panel = new byte[panelRows * rowBytes];
    }
    long wantedBytes = (long) rows * elementBytes;
    long wantedBegin = (viewBegin + firstRow) * elementBytes;
    panelBegin = -1;
    if (wantedBytes * WORTH_READING_WHOLE >= diskRowBytes && diskRowBytes <= CHUNK_BYTES) {
      gatherWhole(rows, (int) wantedBegin);
    } else {
      gatherParts(rows, wantedBegin);
    }
    panelBegin = firstRow;
  }

  /** Reads several whole disk rows at once. */
  private void gatherWhole(int rows, int wantedBegin) throws IOException {
    int stride = (int) diskRowBytes;
    int step = (int) Math.min(columns, CHUNK_BYTES / stride);
    requireChunk(step * stride);
    for (long column = 0; column < columns; column += step) {
      int count = (int) Math.min(step, columns - column);
      source.readFully(begin + column * stride, chunk, 0, count * stride);
      for (int c = 0; c < count; c++) {
        scatter(c * stride + wantedBegin, rows, (int) (column + c));
      }
    }
  }

  /** Reads the wanted part of each disk row, in pieces that fit the chunk. */
  private void gatherParts(int rows, long wantedBegin) throws IOException {
    int bytes = rows * elementBytes;
    requireChunk(bytes);
    for (int column = 0; column < columns; column++) {
      source.readFully(begin + column * diskRowBytes + wantedBegin, chunk, 0, bytes);
      scatter(0, rows, column);
    }
  }

  private void requireChunk(int bytes) {
    if (chunk == null || chunk.length < bytes) {
      chunk = new byte[bytes];
    }
  }

  /** One disk row of N becomes one column of the panel. */
  private void scatter(int from, int rows, int column) {
    int source = from;
    int target = column * elementBytes;
    for (int row = 0; row < rows; row++, target += rowBytes) {
      for (int i = 0; i < elementBytes; i++) {
        panel[target + i] = chunk[source++];
      }
    }
  }
}
