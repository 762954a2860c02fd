package org.sparkao.quant.checkpoint;

import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Optional;
import org.sparkao.quant.format.NumberFormats;
import org.sparkao.quant.format.WeightType;

/**
 * Turns rows of F8_E4M3 codes into rows of values. All codes share few scales, so each block's 256
 * values are computed once and looked up.
 */
final class Fp8Rows implements RawRows {
  /** Codes read at once: object stores answer each read with a request. */
  private static final int CHUNK_BYTES = 4 << 20;

  private static final int CODES = 256;
  private static final VarHandle SHORTS =
      MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle INTS =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

  private final RawRows codes;
  private final Optional<ScaleGrid> scales;
  private final WeightType type;
  private final int columns;
  private final long viewBegin;
  private final byte[] raw;

  /** Bits of the value of code c in block column b: [b * 256 + c], for one row of blocks. */
  private final int[] values;

  private long valuesBlockRow = -1;

  Fp8Rows(RawRows codes, Optional<ScaleGrid> scales, WeightSource weight) {
    this.codes = codes;
    this.scales = scales;
    this.type = WeightType.valueOf(weight.dtype().name());
    this.columns = Math.toIntExact(weight.columns());
    this.viewBegin = weight.view().rowBegin();
    long rows = Math.min(weight.rows(), Math.max(1, CHUNK_BYTES / columns));
    this.raw = new byte[Math.toIntExact(rows * columns)];
    this.values = new int[CODES * scales.map(ScaleGrid::gridColumns).orElse(1)];
  }

  @Override
  public void read(long rowBegin, int rows, byte[] target, int offset) throws IOException {
    int chunkRows = raw.length / columns;
    int position = offset;
    int done = 0;
    while (done < rows) {
      int count = Math.min(chunkRows, rows - done);
      codes.read(rowBegin + done, count, raw, 0);
      for (int row = 0; row < count; row++) {
        decode(viewBegin + rowBegin + done + row, row * columns, target, position);
        position += columns * type.bytes();
      }
      done += count;
    }
  }

  private void decode(long row, int from, byte[] target, int offset) {
    if (scales.isEmpty()) {
      if (valuesBlockRow != 0) {
        fillValues(0, 1f);
        valuesBlockRow = 0;
      }
      lookUp(0, from, columns, target, offset);
      return;
    }
    ScaleGrid grid = scales.get();
    long blockRow = grid.blockRow(row);
    if (blockRow != valuesBlockRow) {
      for (int block = 0; block < grid.gridColumns(); block++) {
        fillValues(block, grid.scale(blockRow, block));
      }
      valuesBlockRow = blockRow;
    }
    for (int block = 0; block < grid.gridColumns(); block++) {
      int begin = (int) grid.columnBegin(block);
      int end = (int) Math.min(columns, grid.columnBegin(block + 1));
      lookUp(block, from + begin, end - begin, target, offset + begin * type.bytes());
    }
  }

  /** One multiplication in fp32, one rounding: the arithmetic of the reference readers. */
  private void fillValues(int block, float scale) {
    byte[] bytes = new byte[Integer.BYTES];
    for (int code = 0; code < CODES; code++) {
      type.write(type.round(NumberFormats.E4M3FN.decode(code) * scale), bytes, 0);
      // The upper half is zero for types of 16 bits.
      values[block * CODES + code] = (int) INTS.get(bytes, 0);
    }
  }

  private void lookUp(int block, int from, int count, byte[] target, int offset) {
    int base = block * CODES;
    if (type == WeightType.F32) {
      for (int i = 0; i < count; i++) {
        INTS.set(target, offset + 4 * i, values[base + (raw[from + i] & 0xFF)]);
      }
    } else {
      int four = count & -4;
      for (int i = 0; i < four; i += 4) {
        long bits =
            short16(base, from + i)
                | short16(base, from + i + 1) << 16
                | short16(base, from + i + 2) << 32
                | short16(base, from + i + 3) << 48;
        LONGS.set(target, offset + 2 * i, bits);
      }
      for (int i = four; i < count; i++) {
        SHORTS.set(target, offset + 2 * i, (short) short16(base, from + i));
      }
    }
  }

  private long short16(int base, int place) {
    return values[base + (raw[place] & 0xFF)];
  }
}
