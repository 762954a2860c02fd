package org.sparkao.quant.checkpoint;

import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Optional;
import org.sparkao.quant.safetensors.DType;

/** Turns rows of F8_E4M3 codes into rows of values. */
final class Fp8Rows implements RawRows {
  private static final int CHUNK_BYTES = 1 << 18;
  private static final VarHandle SHORTS =
      MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle INTS =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

  private final RawRows codes;
  private final Optional<ScaleGrid> scales;
  private final DType dtype;
  private final int columns;
  private final long viewBegin;
  private final byte[] raw;

  Fp8Rows(RawRows codes, Optional<ScaleGrid> scales, WeightSource weight) {
    this.codes = codes;
    this.scales = scales;
    this.dtype = weight.dtype();
    this.columns = Math.toIntExact(weight.columns());
    this.viewBegin = weight.view().rowBegin();
    long rows = Math.min(weight.rows(), Math.max(1, CHUNK_BYTES / columns));
    this.raw = new byte[Math.toIntExact(rows * columns)];
  }

  @Override
  public void read(long rowBegin, int rows, byte[] target, int offset) throws IOException {
    int chunkRows = raw.length / columns;
    int position = offset;
    for (int done = 0; done < rows; done += chunkRows) {
      int count = Math.min(chunkRows, rows - done);
      codes.read(rowBegin + done, count, raw, 0);
      for (int row = 0; row < count; row++) {
        decode(viewBegin + rowBegin + done + row, row * columns, target, position);
        position += columns * dtype.bits() / 8;
      }
    }
  }

  private void decode(long row, int from, byte[] target, int offset) {
    if (scales.isEmpty()) {
      decode(1f, from, columns, target, offset);
      return;
    }
    ScaleGrid grid = scales.get();
    for (int block = 0; block < grid.gridColumns(); block++) {
      int begin = (int) grid.columnBegin(block);
      int end = (int) Math.min(columns, grid.columnBegin(block + 1));
      int place = offset + begin * dtype.bits() / 8;
      decode(grid.scale(row, block), from + begin, end - begin, target, place);
    }
  }

  private void decode(float scale, int from, int count, byte[] target, int offset) {
    switch (dtype) {
      case BF16 -> {
        for (int i = 0; i < count; i++) {
          short value = Fp8Decoder.bf16(Fp8Decoder.value(raw[from + i]) * scale);
          SHORTS.set(target, offset + 2 * i, value);
        }
      }
      case F16 -> {
        for (int i = 0; i < count; i++) {
          short value = Fp8Decoder.f16(Fp8Decoder.value(raw[from + i]) * scale);
          SHORTS.set(target, offset + 2 * i, value);
        }
      }
      case F32 -> {
        for (int i = 0; i < count; i++) {
          float value = Fp8Decoder.value(raw[from + i]) * scale;
          INTS.set(target, offset + 4 * i, Float.floatToRawIntBits(value));
        }
      }
      default -> throw new IllegalStateException("values of type " + dtype);
    }
  }
}
