package org.sparkao.quant.checkpoint;

import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import org.sparkao.quant.safetensors.ByteSource;

/**
 * Rows [N, K] of a matrix that lies on disk as [K, N], N contiguous. A panel of rows is gathered at
 * once and kept, so that a weight is read once per panel and not once per slice.
 */
final class TransposedRows implements RawRows {
  private static final int PANEL_BYTES = 64 << 20;
  private static final int CHUNK_BYTES = 4 << 20;
  private static final int TILE_ROWS = 32;

  /** Disk rows that are turned at once. */
  private static final int MAX_STEP = 128;

  private static final VarHandle SHORTS =
      MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle INTS =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

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
  private byte[] tile;
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
    int step = step(stride);
    for (long column = 0; column < columns; column += step) {
      int count = (int) Math.min(step, columns - column);
      source.readFully(begin + column * stride, chunk, 0, count * stride);
      transpose(stride, wantedBegin, count, rows, (int) column);
    }
  }

  /** Reads the wanted part of each disk row. */
  private void gatherParts(int rows, long wantedBegin) throws IOException {
    int bytes = rows * elementBytes;
    int step = step(bytes);
    for (long column = 0; column < columns; column += step) {
      int count = (int) Math.min(step, columns - column);
      for (int i = 0; i < count; i++) {
        long position = begin + (column + i) * diskRowBytes + wantedBegin;
        source.readFully(position, chunk, i * bytes, bytes);
      }
      transpose(bytes, 0, count, rows, (int) column);
    }
  }

  /** How many disk rows of {@code stride} bytes are held at once, at least one. */
  private int step(int stride) {
    int step = (int) Math.max(1, Math.min(Math.min(columns, MAX_STEP), CHUNK_BYTES / stride));
    if (chunk == null || chunk.length < step * stride) {
      chunk = new byte[step * stride];
      tile = new byte[TILE_ROWS * MAX_STEP * elementBytes];
    }
    return step;
  }

  /**
   * Disk rows become columns of the panel, through a tile that stays in the first-level cache: the
   * rows of the panel are so far apart that writing them element by element misses every time.
   */
  private void transpose(int stride, int wantedBegin, int count, int rows, int column) {
    for (int row = 0; row < rows; row += TILE_ROWS) {
      int tileRows = Math.min(TILE_ROWS, rows - row);
      for (int c = 0; c < count; c++) {
        fillTile(c * stride + wantedBegin + row * elementBytes, tileRows, c, count);
      }
      int bytes = count * elementBytes;
      for (int r = 0; r < tileRows; r++) {
        int target = (row + r) * rowBytes + column * elementBytes;
        System.arraycopy(tile, r * bytes, panel, target, bytes);
      }
    }
  }

  private void fillTile(int from, int tileRows, int column, int count) {
    switch (elementBytes) {
      case 1 -> {
        for (int r = 0; r < tileRows; r++) {
          tile[r * count + column] = chunk[from + r];
        }
      }
      case 2 -> {
        for (int r = 0; r < tileRows; r++) {
          SHORTS.set(tile, 2 * (r * count + column), (short) SHORTS.get(chunk, from + 2 * r));
        }
      }
      default -> {
        for (int r = 0; r < tileRows; r++) {
          INTS.set(tile, 4 * (r * count + column), (int) INTS.get(chunk, from + 4 * r));
        }
      }
    }
  }
}
