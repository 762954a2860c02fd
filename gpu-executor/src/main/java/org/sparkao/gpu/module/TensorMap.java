package org.sparkao.gpu.module;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CudaDevice;

/**
 * How the copy engine of Hopper finds boxes of a matrix: a {@code CUtensorMap}. It holds the
 * address of the matrix, which must stay where it is until the kernels that are given the map have
 * run; a captured graph keeps it too.
 */
public final class TensorMap {
  /** Size of a {@code CUtensorMap}. */
  static final int BYTES = 128;

  /** Bytes of a row of a box, which the copy engine permutes for wgmma (128-byte swizzle). */
  public static final int BOX_BYTES = 128;

  private static final int ALIGNMENT = 64;

  private final CudaDevice device;
  private final long[] words;

  private TensorMap(CudaDevice device, long[] words) {
    this.device = device;
    this.words = words;
  }

  /**
   * Of a matrix whose rows lie one behind the other; what a box has beyond the matrix is zero.
   *
   * @param matrix its address is a multiple of 16
   * @param rows rows of the matrix
   * @param rowBytes bytes of a row, a multiple of 16
   * @param boxRows rows of a box, 256 at most; each gives {@link #BOX_BYTES}
   */
  public static TensorMap of(
      CudaDevice device, Buffer matrix, int rows, int rowBytes, int boxRows) {
    try (Memory room = new Memory(BYTES + ALIGNMENT);
        Memory lengths = new Memory(3 * Long.BYTES);
        Memory box = new Memory(4 * Integer.BYTES)) {
      Pointer map = room.align(ALIGNMENT);
      lengths.write(0, new long[] {rowBytes, rows, rowBytes}, 0, 3);
      box.write(0, new int[] {BOX_BYTES, boxRows, 1, 1}, 0, 4);
      long address = CudaDevice.address(matrix);
      device.call(
          () -> "making a tensor map of " + rows + " rows of " + rowBytes + " bytes",
          () -> DriverLibrary.encodeTensorMap(map, address, lengths, box));
      return new TensorMap(device, map.getLongArray(0, BYTES / Long.BYTES));
    }
  }

  CudaDevice device() {
    return device;
  }

  long[] words() {
    return words;
  }
}
