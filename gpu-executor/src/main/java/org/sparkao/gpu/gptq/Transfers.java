package org.sparkao.gpu.gptq;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.quant.calibrated.SecondMoments;

/** Arrays to a device and back. */
final class Transfers {
  private static final int PIECE_BYTES = 4 << 20;

  private Transfers() {}

  static void write(Buffer to, int[] values) {
    ByteBuffer bytes = bytes(values.length, Integer.BYTES);
    bytes.asIntBuffer().put(values);
    to.device().write(to, 0, bytes);
  }

  static void write(Buffer to, float[] values) {
    write(to, values, values.length);
  }

  static void write(Buffer to, float[] values, int count) {
    ByteBuffer bytes = bytes(count, Float.BYTES);
    bytes.asFloatBuffer().put(values, 0, count);
    to.device().write(to, 0, bytes);
  }

  /** Ones where true. */
  static void write(Buffer to, boolean[] values) {
    ByteBuffer bytes = bytes(values.length, 1);
    for (int i = 0; i < values.length; i++) {
      bytes.put(i, (byte) (values[i] ? 1 : 0));
    }
    to.device().write(to, 0, bytes);
  }

  /** Rows of a symmetric matrix [K, K]; what lies below the diagonal is undefined. */
  static void writeUpper(Buffer to, SecondMoments inputs) {
    int k = inputs.columns();
    int rows = Math.max(1, PIECE_BYTES / (Float.BYTES * k));
    ByteBuffer piece =
        ByteBuffer.allocateDirect(Float.BYTES * rows * k).order(ByteOrder.LITTLE_ENDIAN);
    FloatBuffer numbers = piece.asFloatBuffer();
    for (int begin = 0; begin < k; begin += rows) {
      int end = Math.min(k, begin + rows);
      for (int i = begin; i < end; i++) {
        for (int j = i; j < k; j++) {
          numbers.put((i - begin) * k + j, inputs.at(i, j));
        }
      }
      piece.limit(Float.BYTES * (end - begin) * k);
      to.device().write(to, (long) Float.BYTES * begin * k, piece);
    }
  }

  static int readInt(Buffer from) {
    ByteBuffer bytes = bytes(1, Integer.BYTES);
    from.device().read(from, 0, bytes);
    return bytes.getInt(0);
  }

  static long readLong(Buffer from) {
    ByteBuffer bytes = bytes(1, Long.BYTES);
    from.device().read(from, 0, bytes);
    return bytes.getLong(0);
  }

  /** Fills {@code to} from number {@code first} on. */
  static void read(Buffer from, long first, float[] to) {
    ByteBuffer bytes = bytes(to.length, Float.BYTES);
    from.device().read(from, Float.BYTES * first, bytes);
    bytes.asFloatBuffer().get(to);
  }

  private static ByteBuffer bytes(int count, int each) {
    return ByteBuffer.allocate(Math.multiplyExact(count, each)).order(ByteOrder.LITTLE_ENDIAN);
  }
}
